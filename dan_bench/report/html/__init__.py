"""The results as one self-contained page: `python -m dan_bench.report html`."""
