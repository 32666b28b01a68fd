"""The paper's Table 1, by measurement: what is left of the training data, and of the album."""
