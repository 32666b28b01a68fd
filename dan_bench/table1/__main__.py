"""`python -m dan_bench.table1`: the paper's Table 1, measured.

Exit code: 0 all is done, 1 a subject failed, 2 something asked for is not to be had and nothing
was run.
"""

import argparse
import sys
from pathlib import Path

from dan_bench.cli import entry_point, unusable, user_path
from dan_bench.report.table1 import render, reported_by_paper, rows_of, store_of
from dan_bench.tables import FORMATS


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.table1",
        description="Train every subject on its training set, as files beside a family photo "
        "album, and measure what is left of both. DAN, its relatives and the tools overwrite both, "
        "as the paper has it. All of it works on copies in a scratch folder of its own; your "
        "folders are only read.",
        epilog="example: python -m dan_bench.table1 --subjects all --album ~/pictures",
    )
    made.add_argument(
        "--preset", default="quick", help="quick, paper, or a TOML file like conf/table1/quick.toml"
    )
    made.add_argument(
        "--subjects",
        metavar="A,B,...",
        help="which rows: default the paper's four; `all` takes those beyond it too",
    )
    made.add_argument("--imagenet", type=user_path, metavar="DIR", help="ImageNet: train/CLASS/...")
    made.add_argument(
        "--mp3", type=user_path, metavar="DIR", help="MP3s, by Britney Spears or others"
    )
    made.add_argument("--album", type=user_path, metavar="DIR", help="a photo album; it is copied")
    made.add_argument("--results", type=user_path, default=Path("results"), metavar="DIR")
    made.add_argument("--datasets", type=user_path, default=Path("datasets"), metavar="DIR")
    made.add_argument(
        "--scratch", type=user_path, metavar="DIR", help="where the scratch folders are made"
    )
    made.add_argument("--seeds", type=positive, default=1, metavar="N", help="seeds 0 to N - 1")
    made.add_argument("--format", choices=FORMATS, default="table")
    made.add_argument("--threads", type=positive, default=1, metavar="N")
    made.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    made.add_argument("--progress", choices=("auto", "plain", "quiet"), default="auto")
    return made


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} must be at least 1")
    return number


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Run what is missing, and print the table."""
    command = parser()
    asked = command.parse_args(arguments)
    for flag in ("results", "scratch"):
        folder = getattr(asked, flag)
        if folder is not None and (why := unusable(folder)):
            command.error(f"--{flag} {folder}: {why}")
    from dan_bench.table1.table import run  # here, so that --help need not wait for torch

    reported_by_paper()  # not after the training that it stands beside
    records = run(asked)
    print(render(rows_of(records), asked.format), end="")
    failed = [record for record in records if record.status == "failed"]
    for record in failed:
        folder = store_of(asked.results).folder(record.key)
        last = (record.traceback or "").strip().splitlines()[-1:]
        print(f"{record.config['subject']} failed: {''.join(last)} ({folder})", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
