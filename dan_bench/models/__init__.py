"""Networks that degenerate, their training, and the controls that need none."""
