"""What happens after a training step: curves, samples, snapshots, checkpoints, overwriting."""
