"""What is done otherwise with the user's own data: how many rows there are, and what is kept."""

import shutil
from pathlib import Path

from dan_bench.callbacks.overwriting import FILE as COPY
from dan_bench.config.build import build, refusals
from dan_bench.config.schema import RunConfig
from dan_bench.interfaces import Dataset
from dan_bench.pipeline.algorithm1 import SCRATCH
from dan_bench.results.left_out import NO_ROWS

ROWS = ("samples.npy", "inputs.npy", "samples.png", "snapshots.npy", "snapshot_steps.npy", COPY)
FILES = (*ROWS, "weights.pt")
"""Of a run's folder: rows of the data, what became of them, and what learned from them."""


def identify(config: RunConfig) -> RunConfig:
    """Fill in what only the data itself can say: the fingerprint of a folder, and N.

    N is `evaluation.samples`, or as many as are held out where these are fewer.
    """
    if not is_own(config):
        return config
    source = build(config.data, "data")
    with refusals("data"):
        found, there = source.identify(), source.test_rows()
    data = config.data.model_copy(update={"fingerprint": found})
    samples = min(config.evaluation.samples, there)
    evaluation = config.evaluation.model_copy(update={"samples": samples})
    return config.model_copy(update={"data": data, "evaluation": evaluation})


def is_own(config: RunConfig) -> bool:
    """Return whether the data set is one that only its contents can identify: the user's files."""
    return "fingerprint" in config.data.arguments


def keeps_rows(config: RunConfig, source: Dataset) -> bool:
    """Return whether rows of the data, and of what becomes of them, may be kept and shown.

    By default those of a data set whose attribute `public` is true, and of no other. Outputs go
    with the inputs: some methods leave the data as they are, and noise that is a function of the
    seed can be taken off again by whoever knows the seed.
    """
    asked = config.runtime.keep_inputs
    return bool(getattr(source, "public", False)) if asked is None else asked


def about_rows(config: RunConfig, source: Dataset) -> str:
    """Say what is kept of data that are not public, and what that means; nothing of others."""
    runtime = config.runtime
    if runtime.keep_inputs is False:
        return (
            "runtime.keep_inputs=false: no rows and no weights are kept; "
            "`degenerate --with` needs weights"
        )
    if getattr(source, "public", False):
        return ""
    if not keeps_rows(config, source):
        return (
            f"the data are your own: {NO_ROWS}; weights, which can hold something of the data, are "
            "kept in the run's folder for `degenerate --with`, and not uploaded: "
            "runtime.keep_inputs=false keeps none"
        )
    uploaded = "" if config.logger is None else f", in what logger={config.logger.name} gets"
    if config.logger is not None and config.logger.name == "wandb":
        uploaded += " and `make sync` uploads"
    return (
        f"runtime.keep_inputs=true: up to {runtime.keep_samples} held-out rows, and what becomes "
        f"of them, are kept as they are under {(runtime.results / config.part).absolute()}, and "
        f"shown in figures, on the page of `report html`{uploaded}"
    )


def forget_rows(folder: Path, checkpoints: bool = False) -> None:
    """Remove what an attempt at a run that failed, or was asked to keep rows, has left of them."""
    for pattern in (*FILES, "last.ckpt*") if checkpoints else FILES:  # unusable ones too
        for path in folder.glob(pattern):
            path.unlink()
    shutil.rmtree(folder / SCRATCH, ignore_errors=True)
