"""`python -m dan_bench.report findings`: what the records say of each claim."""

import shutil

from dan_bench.report.claims.judge import findings
from dan_bench.report.claims.render import FORMATS
from dan_bench.report.claims.runs import Material
from dan_bench.report.inputs import finished, read, results_parser


def main(arguments: list[str] | None = None) -> int:
    """Judge and print; 0 where there are records, 2 where there are none."""
    parser = results_parser(
        "findings",
        "Judge each claim of the paper and of the note, and our own, by the records alone: "
        "agree, disagree,\nundecided, or not measured (and what would measure it).",
    )
    parser.add_argument("--format", choices=FORMATS, default="table")
    parser.add_argument("--keys", action="store_true", help="name the runs behind each figure")
    asked = parser.parse_args(arguments)
    results, records = read(asked.results)
    done = finished([*records, *read(asked.results, "table1")[1]], asked.results)
    width = shutil.get_terminal_size((100, 24)).columns
    print(FORMATS[asked.format](findings(Material(done, results)), asked.keys, width), end="")
    return 0
