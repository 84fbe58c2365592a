"""What the program can be told to do, one command a module."""
