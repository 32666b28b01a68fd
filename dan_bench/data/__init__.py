"""What is degenerated, and the noise that it is to become."""
