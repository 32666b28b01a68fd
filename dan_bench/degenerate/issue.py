"""What the command has to do with certificates: `--verify`, checks beforehand, writing them."""

import argparse
from pathlib import Path
from typing import Any

from dan_bench import cli
from dan_bench.degenerate.certificate import Certificate, write
from dan_bench.degenerate.outputs import Outputs
from dan_bench.degenerate.signature import TRIAL, SignatureError, signed
from dan_bench.degenerate.verify import BadCertificate, verify
from dan_bench.erase import ErasurePlan, ErasureRefused, Remark
from dan_bench.erase.filesystem import FileSystems

SHORTEST_KEY, LONGEST_KEY = 16, 1 << 16
"""Bytes of a key for digests: 128 bits are beyond guessing."""


def verified(asked: argparse.Namespace) -> int:
    """Check a certificate, and say what was found."""
    try:
        print(verify(asked.verify, asked.signers))
    except BadCertificate as error:
        cli.say(f"NOT good: {asked.verify}: {error}")
        return cli.FAILED
    return cli.OK


def check_key(key: Path | None, plan: ErasurePlan) -> None:
    """Refuse a key that cannot sign, or is itself to be erased."""
    if key is None:
        return
    plan.refuse_inside(key.absolute(), "the key")
    try:
        signed(key, TRIAL)
    except SignatureError as error:
        raise ErasureRefused(f"--sign {key}: {error}") from error


def digest_key(path: Path | None, plan: ErasurePlan) -> bytes | None:
    """Return the key that originals are digested with; refuse one that gives them away."""
    if path is None:
        return None
    plan.refuse_inside(path.absolute(), "the key")
    with path.open("rb") as file:
        key = file.read(LONGEST_KEY + 1)
    if not SHORTEST_KEY <= len(key) <= LONGEST_KEY:
        raise ErasureRefused(
            f"--digest-key {path}: a key has {SHORTEST_KEY} to {LONGEST_KEY:,} bytes, of which "
            "nobody can guess any (head -c 32 /dev/urandom)"
        )
    return key


def media(plan: ErasurePlan) -> list[Remark]:
    """Return what of the devices no search can show, to be read before the question."""
    systems = FileSystems()
    return [
        Remark(path, text)
        for (mount, device), path in plan.mounts.items()
        for text in dict.fromkeys(systems.of(mount, device).remarks)
    ]


def written(
    certificate: Certificate, outputs: Outputs, key: Path | None
) -> tuple[list[Path], dict[str, Any]]:
    """Write a certificate, and sign it; return the files, and the sums.

    Raises:
        OSError, SignatureError: one of the files cannot be written; there is none then.
    """
    with outputs.json.writer() as file, outputs.text.writer() as beside:
        total = write(certificate, file, beside)
    if key is not None and outputs.signature is not None:
        with outputs.signature.writer() as file:
            file.write(signed(key, outputs.json.content()))
    return outputs.publish(), total
