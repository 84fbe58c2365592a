"""A zoo of models: files of some hundred kilobytes whose weights are noise, the same each time.

Every engine loads each at once. What they say means nothing, but the same prompt always has the
same answer at temperature 0.
"""
