"""The rows of Table 1: one short file each."""
