"""The whole program, as people run it, with a scripted engine."""
