"""Many runs: which there are, which are left, and carrying them out."""
