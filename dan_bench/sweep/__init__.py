"""Sweeps: which runs are left, carrying them out side by side, and showing their progress."""
