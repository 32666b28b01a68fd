"""`python -m dan_bench.degenerate PATH...`: Algorithm 1's last step, on your own files."""
