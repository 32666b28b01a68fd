"""Loggers: wandb, TensorBoard and CSV. They work offline; the records remain the reference."""
