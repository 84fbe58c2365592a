"""The whole program on a real engine, beside that engine without us."""
