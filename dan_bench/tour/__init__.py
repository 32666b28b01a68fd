"""A tour in a minute: three trainings that show the collapse, the cure, and what neither is."""
