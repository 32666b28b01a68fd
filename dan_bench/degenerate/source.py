"""What files are overwritten with, and how far its noise counts as destruction."""

from pathlib import Path

from dan_bench.erase import GENERATORS, ErasureRefused
from dan_bench.erase.overwrite import INDEPENDENT
from dan_bench.interfaces import Destruction, NoiseSource, RunRecord

ENOUGH = 99.0
"""%_dd from which on data count as gone, as in the reports."""


def source(name: str, results: Path, leaky: bool = False) -> NoiseSource:
    """Return a generator, or a trained degenerator.

    Raises:
        ErasureRefused: the degenerator's run does not certify that its noise says nothing of the
            data, and `leaky` does not ask for it all the same.
    """
    if name in GENERATORS:
        return GENERATORS[name]()
    record, folder = found_by(name, results)
    if (destroys := claim(record)).at_least < ENOUGH and not leaky:
        raise ErasureRefused(
            f"run {record.key} would leave noise made from the data: {in_words(destroys)} "
            f"({destroys.reason}). Take a generator (--with fast), or a run that is certified to "
            f"destroy {ENOUGH:.0f} (python -m dan_bench.train +experiment=certified), or add "
            "--leaky if that is what you want"
        )
    return network_noise(record, folder)


def found_by(name: str, results: Path) -> tuple[RunRecord, Path]:
    """Return the run that a name means, and its folder."""
    from dan_bench.pipeline.load import find  # torch, for trained degenerators only

    record = find(name, results)
    path = Path(name)
    return record, path if path.is_dir() else results / "runs" / record.key


def network_noise(record: RunRecord, folder: Path) -> NoiseSource:
    """Return the degenerator of a run as a source; its fresh noise is the operating system's.

    Raises:
        NoDegenerator: it cannot be built.
    """
    from dan_bench.data.noise import system_bytes
    from dan_bench.pipeline.algorithm1 import NetworkNoise
    from dan_bench.pipeline.load import load, width_of
    from dan_bench.results.select import OLD, is_old

    config = record.config
    described = (
        f"run {record.key}: {config['model']['name']}, {config['output']}, "
        f"{config['objective']['name']}, noise_dim {config['noise_dim']}, "
        f"trained on {config['data']['name']}" + f", {OLD}" * is_old(record)
    )
    degenerator = load(record, folder, 0, system_bytes)
    return NetworkNoise(degenerator, width_of(record), described, destroys=claim(record))


def claim(record: RunRecord) -> Destruction:
    """Return how much of the data the noise of a run's network destroys, by the run's own record.

    At least what is certified, and no attack refuted; at most what the best attack left. Both were
    found on the run's data set, in rows of the network's width, and not on a user's file.
    """
    from dan_bench.report.verdicts import refuted
    from dan_bench.results.select import OLD, certificate_of, is_old

    if record.status != "done":
        return Destruction(0.0, None, f"not measured: the run is {record.status}")
    if is_old(record):
        return Destruction(0.0, None, f"not measured: {OLD}")
    where = (
        f"measured on {record.config['data']['name']}, in the rows of that data set, "
        "and not on these files"
    )
    least, most = certificate_of(record), record.metrics.get("percent_destroyed")
    at_most = most.value if most is not None and 0 <= most.value <= 100 else None
    reasons = [] if at_most is not None else ["what attacks recover was not measured"]
    at_least = 0.0
    if least is None or not 0 <= least.value <= 100:
        reasons.append("nothing is certified")
    elif refuted(record):
        reasons.append("an attack refuted the certificate")
    else:
        at_least = min(least.value, 100.0 if at_most is None else at_most)
    measured = least is not None or at_most is not None
    return Destruction(at_least, at_most, "; ".join([*reasons, *[where] * measured]))


def of_earlier(name: str) -> tuple[bool, Destruction]:
    """Return whether the noise of an earlier attempt was made from the data, and what is gone.

    Of that attempt no more than the name is left: what a network destroys is not vouched for.
    """
    if any(make().name == name for make in GENERATORS.values()):
        return False, INDEPENDENT
    reason = "not known: an earlier attempt took another source, which is not at hand"
    return True, Destruction(0.0, None, reason)


def in_words(destroys: Destruction) -> str:
    """Return both ends in words."""
    return ends(destroys.at_least, destroys.at_most)


def ends(at_least: float, at_most: float | None) -> str:
    """Return both ends of %_dd in words, rounded outwards."""
    most = "at most not measured" if at_most is None else f"at most {at_most:.4f}"
    return f"at least {at_least:.4f}, {most} %_dd"
