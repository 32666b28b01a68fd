"""What people look at in wandb: offline runs, their upload, tables, and the workspace as code."""
