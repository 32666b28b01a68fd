"""Records of runs: written, stored, archived, selected."""
