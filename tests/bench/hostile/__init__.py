"""Well-behaved streams beside clients that are not."""
