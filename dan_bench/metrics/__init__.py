"""Mathematics: arrays in, estimates out. Nothing here knows of models, files or torch."""
