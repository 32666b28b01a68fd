"""`--entropy-source`, `--restart`, `--conditioning`, `--health`: SP 800-90B of a whole source.

`python -m dan_bench.assess` hands over to `main` where one of them is given.
"""

import argparse
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dan_bench.assess.options import probability
from dan_bench.cli import FAILED, OK, InputError, user_path
from dan_bench.interfaces import Bytes, StageCallback
from dan_bench.tables import one_line

MOST_SYMBOLS = 1 << 30
OPTIONS = {
    "h_initial": "--h-submitter",
    "h_prime": "--h-prime or FILE",
    "h_in": "--h-in",
    "n_in": "--n-in",
    "n_out": "--n-out",
    "nw": "--nw",
    "h": "--health",
    "alpha": "--alpha",
}
"""By the name of the argument that an error is about."""
Answer = tuple[int, dict[str, Any], str]
"""Exit code, what --json prints, and the text."""


def main(
    option: str,
    arguments: list[str],
    progress: StageCallback,
    on_compiling: StageCallback,
) -> tuple[int, str]:
    """Answer one of the options: the exit code of docs/entropy-source.md, and what to print.

    Raises:
        InputError: what was given cannot be used.
    """
    helped = {"-h", "--help"} & set(arguments)  # also where the option's own value is missing
    asked = PARSERS[option]().parse_args(["--help"] if helped else arguments)
    from dan_bench.randomness.min_entropy.estimators import compiling  # --help does without

    with compiling(on_compiling):
        try:
            code, found, text = ANSWERS[option](asked, progress)
        except ValueError as error:
            raise InputError(as_options(str(error))) from error
    return code, json.dumps(found, indent=1, allow_nan=False) if asked.json else text


def restart_parser() -> argparse.ArgumentParser:
    """Return the parser of `--restart`."""
    made = _parser(
        "Restart tests (SP 800-90B, 3.1.4): 1,000 restarts of a source, the first 1,000 samples of "
        "each. Sanity check, estimates of rows and columns, and the entropy that is left.",
        "exit code: 0 entropy is awarded, 1 none is, 2 bad input. example: python -m "
        "dan_bench.assess --restart restarts.bin sequential.bin --bits 4 --h-submitter 3.2",
    )
    made.add_argument(
        "--restart", required=True, metavar="FILE", help="1,000,000 samples, restart after restart"
    )
    made.add_argument(
        "sequential",
        nargs="?",
        metavar="SEQUENTIAL",
        help="a million samples or more in sequence: H_I is the lesser of what they are assessed "
        "at and --h-submitter",
    )
    made.add_argument(
        "--h-submitter",
        type=float,
        metavar="H",
        help="entropy that the submitter claims, in bits a sample; H_I where no sequential data "
        "are given",
    )
    _add_bits(made)
    made.add_argument("--iid", action="store_true", help="take the IID track (6.1)")
    made.add_argument(
        "--by-formula",
        action="store_true",
        help="let the cutoff of the document's text decide, which ideal sources of many symbols "
        "fail more often than meant, and not that which NIST's tool simulates",
    )
    made.add_argument(
        "--rounds",
        type=int,
        default=0,
        metavar="N",
        help="also simulate the cutoff in N rounds (NIST's tool: 5000000; half a minute)",
    )
    return made


def conditioning_parser() -> argparse.ArgumentParser:
    """Return the parser of `--conditioning`."""
    made = _parser(
        "Entropy of a conditioning component's output (SP 800-90B, 3.1.5), in bits an output.",
        "exit code: 0, or 2 for bad input. example: python -m dan_bench.assess --conditioning "
        "vetted --n-in 512 --n-out 256 --nw 256 --h-in 320",
    )
    made.add_argument("--conditioning", required=True, choices=("vetted", "non-vetted"))
    for name, said in (
        ("n-in", "bits of an input"),
        ("n-out", "bits of an output"),
        ("nw", "narrowest internal width in bits; the output's for a hash function"),
    ):
        made.add_argument(f"--{name}", type=int, required=True, metavar="BITS", help=said)
    made.add_argument(
        "--h-in",
        required=True,
        metavar="BITS",
        help="entropy of an input: its samples times the assessed entropy of each",
    )
    made.add_argument(
        "--h-prime",
        metavar="H",
        help="h', entropy a bit of the conditioned data; for non-vetted, in place of FILE",
    )
    made.add_argument(
        "data", nargs="?", metavar="FILE", help="conditioned data, from which h' is estimated"
    )
    _add_bits(made, None)
    made.add_argument("--iid", action="store_true", help="h' by the most common value alone")
    return made


def health_parser() -> argparse.ArgumentParser:
    """Return the parser of `--health`."""
    made = _parser(
        "Health tests (SP 800-90B, 4.4): cutoffs of the Repetition Count and the Adaptive "
        "Proportion Test, what they find in a file, and how surely they find a failed source.",
        "exit code: 0 no failure in the file, or no file; 1 failures; 2 bad input. example: "
        "python -m dan_bench.assess --health 0.8 samples.bin --bits 1 --alpha 2^-30",
    )
    made.add_argument(
        "--health", required=True, type=float, metavar="H", help="assessed entropy, bits a sample"
    )
    made.add_argument("samples", nargs="?", metavar="FILE", help="samples to run the tests over")
    _add_bits(made)
    made.add_argument(
        "--alpha",
        type=probability,
        default="2^-20",
        help="probability of a false alarm, such as 2^-30 (default: 2^-20); the document "
        "recommends 2^-20 to 2^-40",
    )
    made.add_argument(
        "--exact",
        action="store_true",
        help="let the exact cutoff of the Adaptive Proportion Test decide, which may be 1 above "
        "the document's",
    )
    made.add_argument(
        "--trials",
        type=int,
        default=100,
        metavar="N",
        help="how often each fault is injected (default: 100)",
    )
    return made


def folder_parser() -> argparse.ArgumentParser:
    """Return the parser of `--entropy-source`."""
    made = _parser(
        "All that SP 800-90B asks of an entropy source, and AIS 20/31, from one folder: "
        "source.json, sequential.*, restart.* and, for non-vetted conditioning, conditioned.*; "
        "docs/entropy-source.md says what they hold.",
        "exit code: 0 nothing failed, 1 something did, 2 bad input. example: python -m "
        "dan_bench.assess --entropy-source trng --out trng-report",
    )
    made.add_argument("--entropy-source", required=True, metavar="DIR", type=user_path)
    made.add_argument(
        "--out",
        metavar="FOLDER",
        type=user_path,
        help="new folder for report.txt, report.json, plots.html and the NIST exports (default: "
        "DIR's name with -report, in the current folder)",
    )
    return made


def answer_folder(asked: argparse.Namespace, progress: StageCallback) -> Answer:
    """Assess a folder, and write the report on it."""
    from dan_bench.assess.laboratory.report import run

    folder = asked.entropy_source
    out = asked.out or Path(f"{folder.resolve().name}-report")
    command = ["--entropy-source", str(folder), "--out", str(out)]
    code, found, text = run(folder, out, command, progress)
    return code, found, f"{text}\n\nwritten to {one_line(str(out))}"


def answer_restart(asked: argparse.Namespace, progress: StageCallback) -> Answer:
    """Carry out the restart tests on a file."""
    if asked.h_submitter is None and asked.sequential is None:
        raise InputError("--restart needs H_I: give --h-submitter H, or a file of sequential data")
    samples = symbols_of(asked.restart, asked.bits)
    sequential = None if asked.sequential is None else symbols_of(asked.sequential, asked.bits)
    from dan_bench.assess.source_text import restart_text
    from dan_bench.randomness.min_entropy import assess
    from dan_bench.randomness.restart import as_matrix, most_common, restart_tests

    as_matrix(samples, asked.bits)  # refused before anything takes long
    claims = {} if asked.h_submitter is None else {"h_submitter": asked.h_submitter}
    if sequential is not None:
        progress("sequential data")
        found = (
            most_common(sequential, asked.bits, bitstring=True)
            if asked.iid
            else assess(sequential, asked.bits, workers=2, on_progress=progress)
        )
        claims["h_sequential"] = found.assessed
    result = restart_tests(
        samples,
        min(claims.values()),
        asked.bits,
        iid=asked.iid,
        by_formula=asked.by_formula,
        rounds=asked.rounds,
        workers=2,
        on_progress=progress,
    )
    names = {"file": asked.restart, "bits_per_symbol": asked.bits, "iid": asked.iid}
    code = OK if result.assessed is not None else FAILED
    return code, names | claims | result.to_json(), restart_text(asked.restart, result, claims)


def answer_conditioning(asked: argparse.Namespace, progress: StageCallback) -> Answer:
    """Evaluate the formula, with h' of a file where one is given."""
    from dan_bench.assess.source_text import conditioning_text
    from dan_bench.randomness.conditioning import conditioned_entropy, conditioned_output

    vetted = asked.conditioning == "vetted"
    if asked.data is not None and (vetted or asked.h_prime is not None):
        raise InputError(
            "conditioned data are for a non-vetted component alone"
            if vetted
            else "give h' or the data from which to estimate it, not both"
        )
    if asked.data is None and (asked.iid or asked.bits is not None):
        raise InputError("--iid and --bits say how to estimate h' from FILE: name it")
    # what is wrong with the numbers is said before anything takes long
    sizes = (asked.n_in, asked.n_out, asked.nw, asked.h_in)
    h_prime: Any = asked.h_prime if asked.data is None else 1
    result = conditioned_output(*sizes, vetted=vetted, h_prime=h_prime)
    if asked.data is not None:
        found = conditioned_entropy(
            symbols_of(asked.data, asked.bits or 8),
            asked.bits,
            iid=asked.iid,
            workers=2,
            on_progress=progress,
        )
        h_prime = found.assessed
        if h_prime == 0:
            raise InputError(f"{one_line(asked.data)} has no entropy: h' is 0")
        result = conditioned_output(*sizes, vetted=vetted, h_prime=h_prime)
    return OK, result.to_json(), conditioning_text(result)


def as_options(message: str) -> str:
    """Return a message about arguments of the library with the names of the options."""
    return re.sub(rf"\b({'|'.join(OPTIONS)})\b", lambda found: OPTIONS[found[1]], message)


def answer_health(asked: argparse.Namespace, _: StageCallback) -> Answer:
    """Return cutoffs, what a file shows, and the power."""
    if asked.exact and asked.samples is None:
        raise InputError("--exact says which cutoff judges FILE: name it")
    symbols = None if asked.samples is None else symbols_of(asked.samples, asked.bits)
    from dan_bench.assess.source_text import health_text
    from dan_bench.randomness.health import (
        BINARY_WINDOW,
        OTHER_WINDOW,
        health_cutoffs,
        health_tests,
    )
    from dan_bench.randomness.health_power import health_power

    if asked.trials < 1:
        raise InputError(f"--trials {asked.trials}: must be at least 1")
    power = health_power(asked.health, asked.bits, alpha=asked.alpha, trials=asked.trials)
    window = BINARY_WINDOW if asked.bits == 1 else OTHER_WINDOW
    cutoffs = health_cutoffs(asked.health, asked.alpha, window)
    result = None
    if symbols is not None:
        result = health_tests(
            symbols, asked.health, asked.bits, alpha=asked.alpha, exact=asked.exact
        )
        cutoffs = result.cutoffs
    found: dict[str, Any] = {"bits_per_symbol": asked.bits, "cutoffs": asdict(cutoffs)}
    found["power"] = [asdict(fault) for fault in power]
    if result is not None:
        found = {"file": asked.samples, **found, **result.to_json()}
    code = OK if result is None or result.passed else FAILED
    return code, found, health_text(cutoffs, power, result, asked.samples)


def symbols_of(name: str, bits: int) -> Bytes:
    """Return all of a file, each byte a symbol of that many bits; InputError where one is not."""
    from dan_bench.assess.reading import Layout, UnusableInput, read

    try:
        windows = read(name, Layout(bits), window=MOST_SYMBOLS).windows
    except UnusableInput as error:
        raise InputError(str(error)) from error
    if len(windows) > 1:
        raise InputError(f"{one_line(name)} holds more than 2^30 symbols: give a part of it")
    return windows[0].symbols


def _parser(description: str, epilog: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m dan_bench.assess", description=description, epilog=epilog
    )
    made.add_argument("--json", action="store_true", help="print an object")
    return made


def _add_bits(made: argparse.ArgumentParser, default: int | None = 8) -> None:
    said = "default: 8" if default else "default: as many as the largest takes"
    made.add_argument(
        "--bits",
        type=int,
        default=default,
        choices=range(1, 9),
        metavar="N",
        help=f"bits of a symbol, 1 to 8; each byte holds one ({said})",
    )


PARSERS: dict[str, Callable[[], argparse.ArgumentParser]] = {
    "--entropy-source": folder_parser,
    "--restart": restart_parser,
    "--conditioning": conditioning_parser,
    "--health": health_parser,
}
ANSWERS: dict[str, Callable[[argparse.Namespace, Any], Answer]] = {
    "--entropy-source": answer_folder,
    "--restart": answer_restart,
    "--conditioning": answer_conditioning,
    "--health": answer_health,
}
