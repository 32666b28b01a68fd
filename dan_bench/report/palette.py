"""Colours and marks of every figure."""

# Okabe & Ito's palette: told apart by every kind of eye
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vP*X<>hd"

# About the same hues, as dark or as light as a line needs to have 3:1 on its ground (WCAG 2.2,
# 1.4.11), and of lightnesses that keep them apart for every kind of eye
ON_LIGHT = ("#0067A2", "#A04400", "#00A074", "#7B4865", "#A98500", "#4593BF", "#1F2328")
ON_DARK = ("#2B87C9", "#E0702A", "#00B386", "#DB92BB", "#E8B800", "#7CC7F0", "#E6EDF3")
