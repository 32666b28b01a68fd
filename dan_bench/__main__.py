"""`dan-bench COMMAND ...`: the commands, each of which is `python -m dan_bench.COMMAND` too."""

import runpy
import sys
from difflib import get_close_matches

from dan_bench.cli import InputError, entry_point

COMMANDS = {
    "train": "train and measure one run, or sweep many",
    "report": "tables, figures, findings and a page, from the records alone",
    "assess": "is this file noise?",
    "degenerate": "overwrite files with noise, and certify it",
    "table1": "the paper's Table 1, by measurement",
    "tour": "a minute that shows the collapse and the cure",
    "dashboard": "wandb: upload offline runs, look at them, write the workspace",
    "reference": "run and publish the reference grid",
}


def usage() -> str:
    """Return what `--help` prints."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {what}" for name, what in COMMANDS.items())
    return (
        "usage: dan-bench COMMAND [ARGUMENT ...]\n\n"
        "Benchmarks for degenerative adversarial networks: is it noise, and is it gone?\n\n"
        f"commands:\n{commands}\n\n"
        "`dan-bench COMMAND --help` describes one; `python -m dan_bench.COMMAND` is the same."
    )


@entry_point
def main() -> int:
    """Run the command that the first argument names."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"; meant perhaps: {near[0]}" if near else f"; there are {', '.join(COMMANDS)}"
        raise InputError(f"{name}: no such command{hint}")
    sys.argv = [f"dan-bench {name}", *arguments]
    runpy.run_module(f"dan_bench.{name}", run_name="__main__", alter_sys=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
