"""HTTP/1.1 and event-stream framing, sans I/O."""
