"""A trained degenerator as a source of noise: what it makes of the data replaces the data."""

from pathlib import Path

import numpy as np

from dan_bench.data.noise import system_bytes
from dan_bench.interfaces import RunRecord
from dan_bench.pipeline.algorithm1 import NetworkNoise
from dan_bench.pipeline.load import find, load


def network_noise(record: RunRecord, folder: Path) -> NetworkNoise:
    """Return the degenerator of a run as a source; its fresh noise is the operating system's.

    Raises:
        NoDegenerator: it cannot be built.
    """
    width = int(np.prod(np.load(folder / "samples.npy", mmap_mode="r").shape[1:]))
    return NetworkNoise(load(record, folder, 0, system_bytes), width, describe(record))


def describe(record: RunRecord) -> str:
    """Name a run, and what it was measured to be."""
    config = record.config
    found = {name: record.metrics.get(name) for name in ("joint_bits", "percent_destroyed")}
    measured = ", ".join(f"{name} {e.value:.4f}" for name, e in found.items() if e is not None)
    return (
        f"run {record.key}: {config['model']['name']}, {config['output']}, "
        f"{config['objective']['name']}, noise_dim {config['noise_dim']} "
        f"({measured or 'not measured'})"
    )


def found_by(name: str, results: Path) -> tuple[RunRecord, Path]:
    """Return the run that a name means, and its folder."""
    record = find(name, results)
    path = Path(name)
    return record, path if path.is_dir() else results / "runs" / record.key
