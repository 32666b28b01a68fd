"""The claims of the paper, of the note and our own, each judged from the records alone."""


def main(arguments: list[str] | None = None) -> int:
    """Print the findings; 0 where there are records, 2 where there are none."""
    from dan_bench.report.claims.command import main as judge

    return judge(arguments)
