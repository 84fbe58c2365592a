"""How much memory there is, and how much a model takes."""
