"""`python -m dan_bench.table1`: the paper's Table 1, measured.

Exit code: 0 all is done, 1 an entry failed, 2 something asked for is not to be had and nothing was
run, 130 it was interrupted; finished entries are kept, and the same command does the rest.
"""

import argparse
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path

from dan_bench.cli import INTERRUPTED, entry_point, unusable, user_path
from dan_bench.report.table1 import render, reported_by_paper, rows_of, store_of
from dan_bench.tables import FORMATS


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.table1",
        description="Train every entry on its training set, as files beside a family photo "
        "album, and measure what is left of both. DAN, its relatives and the tools overwrite both, "
        "as the paper has it. All of it works on copies in a scratch folder of its own; your "
        "folders are only read.",
        epilog="example: python -m dan_bench.table1 --subjects all --album ~/pictures",
    )
    made.add_argument(
        "--preset",
        default="quick",
        help="quick, paper, or a folder of your own with a YAML file an entry, like "
        "conf/table1/quick",
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
    reported_by_paper()  # not after the training that it stands beside
    store = store_of(asked.results)
    scratch = (asked.scratch or store.runs / "scratch").absolute()
    with redirect_stdout(sys.stderr):
        keys, code = sweep(asked, scratch)
    if code == INTERRUPTED:
        return code
    records = {record.key: record for record in store.all()[0]}
    print(render(rows_of([records[key] for key in keys if key in records]), asked.format), end="")
    return code


def sweep(asked: argparse.Namespace, scratch: Path) -> tuple[list[str], int]:
    """Sweep the entries that are asked for; return the keys of their records and an exit code.

    Raises:
        InputError: before anything was run.
    """
    from dan_bench.results.record import key_of  # here, so that --help need not wait for torch
    from dan_bench.sweep.jobs import carry_out, conclude
    from dan_bench.table1.config import compose_entries
    from dan_bench.table1.entry import identified
    from dan_bench.table1.workspace import refuse_overlap, temporary_folder

    folders = {name: getattr(asked, name) for name in ("album", "imagenet", "mp3")}
    for name, folder in folders.items():
        if folder is not None:
            refuse_overlap(folder, scratch, f"--{name}")
    paths = {"results": asked.results, "datasets": asked.datasets}
    overrides = [
        f"runtime.accelerator={'gpu' if asked.device == 'cuda' else 'cpu'}",
        f"runtime.threads={asked.threads}",
        f"runtime.progress={asked.progress}",
    ]
    composed = compose_entries(asked.preset, asked.subjects, asked.seeds, overrides, paths, folders)
    # an entry that is cut off with its process cannot remove its copies of the user's data
    with temporary_folder(scratch, "sweep-") as own:
        configs = [identified(config, own) for config in composed]
        code = carry_out(configs, conclude)
    if asked.scratch is None:
        with suppress(OSError):  # other entries may be at work in it
            scratch.rmdir()
    return [key_of(config.scientific()) for config in configs], code


if __name__ == "__main__":
    sys.exit(main())
