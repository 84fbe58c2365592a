"""Lending runners to requests: who waits, who holds, and when a slot is free again."""
