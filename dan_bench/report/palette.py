"""Colours and marks of every figure."""

# Okabe & Ito's palette: told apart by every kind of eye
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>hd"
