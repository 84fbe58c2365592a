"""Serving HTTP inside our own nursery tree."""
