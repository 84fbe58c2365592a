"""Connections as no honest client makes them, and the judges of what comes of them.

Everything about one connection follows from a seed and its number: ``fuzzed(seed, number)``
is the same one each time.
"""
