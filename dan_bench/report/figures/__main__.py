"""`python -m dan_bench.report.figures`: the same as `python -m dan_bench.report figures`."""

import sys

from dan_bench.cli import entry_point
from dan_bench.report.figures.command import main

if __name__ == "__main__":
    sys.exit(entry_point(main)())
