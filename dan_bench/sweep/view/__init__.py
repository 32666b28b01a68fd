"""Ways to show a sweep: a screen, plain lines, JSON lines, or nothing but errors."""
