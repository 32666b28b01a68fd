"""Tests and estimators of randomness: those of the NIST documents, and related ones."""
