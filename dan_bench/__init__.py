"""Benchmarks for degenerative adversarial networks: is it noise, and is it gone?

Importing the package imports nothing heavy; every room is imported where it is used.
"""

__version__ = "0.1.0"
