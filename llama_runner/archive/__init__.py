"""Which saved slots there are, which engines can be trusted with them, and what they are worth."""
