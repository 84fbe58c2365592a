"""Tests of the Windows half, run by a Windows Python: real Windows, or Wine on Linux."""
