"""`python -m dan_bench.pipeline.again CONFIG RESULTS DATASETS [CODE]`: a record's run, once more.

The config may name code of others, and this process then runs it: `report verify` starts it with
none of the environment but what a program needs to start.

Exit code: 0 the run ended, well or not, and left a record; 2 the config cannot be run.
"""

import json
import sys
from pathlib import Path
from typing import Any

from dan_bench.cli import OK, InputError, entry_point
from dan_bench.config.build import asked_for, resolve
from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.pipeline.run import run
from dan_bench.results.provenance import others_packages
from dan_bench.results.record import key_of


def runnable(scientific: dict[str, Any], results: Path, datasets: Path) -> RunConfig:
    """Return a record's config with all that a record leaves out: paths, and what is not used.

    Raises:
        ConfigError: it is not a config of this version.
    """
    here = {"results": results, "datasets": datasets}
    values = configure(paths=here).model_dump(mode="json", by_alias=True) | scientific
    data = values["data"]
    root = asked_for(resolve(data["_target_"], "data"), {"root": str(datasets)})
    return RunConfig.parse(values | {"data": data | root, "logger": None})


@entry_point
def main(arguments: list[str] | None = None) -> int:
    """Carry out the run."""
    config, results, datasets, *code = sys.argv[1:] if arguments is None else arguments
    scientific = json.loads(Path(config).read_text())
    for package in others_packages(scientific):
        if package in sys.modules:  # before any of the code is looked for
            raise InputError(f"{package}: a package of that name is used by this program itself")
    sys.path[:0] = code
    made = runnable(scientific, Path(results), Path(datasets))
    if key_of(made.scientific()) != key_of(scientific):  # as one that says where to write
        raise InputError("it is another config to this program")
    run(made, group="again")
    return OK


if __name__ == "__main__":
    sys.exit(main())
