"""Tests and estimators of randomness: the NIST documents and their kin."""
