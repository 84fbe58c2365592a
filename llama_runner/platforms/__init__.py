"""The only place that asks which operating system this is."""
