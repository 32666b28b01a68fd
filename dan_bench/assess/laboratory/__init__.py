"""An entropy source as a laboratory assesses it: one folder in, one report out."""
