"""Detached signatures of certificates, by `ssh-keygen -Y` (ssh-keygen(1)): OpenSSH 8.2 and later.

Nothing of what is signed is interpreted; the namespace keeps a signature of a certificate from
being taken for one of anything else, and the other way round.
"""

import shutil
import stat
import subprocess
from pathlib import Path

NAMESPACE = "dan-bench-certificate"
LONGEST = 1 << 16
"""Bytes of a signature file that are looked at; those of OpenSSH have a few hundred."""
TRIAL = b"dan_bench: can this key sign?\n"
"""Signed beforehand, to learn whether a key can sign."""


class SignatureError(ValueError):
    """It cannot be signed, or the signature is not good; the message says why."""


def check(content: bytes, signature: Path, signers: Path | None) -> str:
    """Check the signature of a content; return by whom it is, in words.

    Args:
        content: of the certificate.
        signature: the signature's file.
        signers: whose signatures are accepted, as "ALLOWED SIGNERS" of ssh-keygen(1) describes it;
            None: anybody's, for nothing but the content is in question.

    Raises:
        SignatureError: it is not good.
        OSError: one of the files cannot be read.
    """
    # ssh-keygen would wait for a FIFO, and read a device without end
    for file in filter(None, (signature, signers)):
        if not stat.S_ISREG(file.stat().st_mode):
            raise SignatureError(f"{file} is no regular file")
    if signature.stat().st_size > LONGEST:
        raise SignatureError(f"{signature} is longer than any signature")
    common = ["-n", NAMESPACE, "-s", str(signature.absolute())]
    if signers is None:
        said = _run(["-Y", "check-novalidate", *common], content)
        return f"{said}; whose key that is was not asked: --signers FILE names who may sign"
    signers.read_bytes()  # an OSError names it
    allowed = ["-f", str(signers.absolute())]
    found = _run(["-Y", "find-principals", *common[2:], *allowed], b"").splitlines()
    if not found:
        raise SignatureError(f"{signature}: nobody in {signers} has signed")
    return _run(["-Y", "verify", *common, *allowed, "-I", found[0]], content)


def signed(key: Path, content: bytes) -> bytes:
    """Return the signature of a content."""
    with key.open("rb"):  # an OSError names it
        pass
    command = ["-Y", "sign", "-n", NAMESPACE, "-f", str(key.absolute())]
    made = _run(command, content).encode()
    if not made.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        raise SignatureError(f"{key}: ssh-keygen made no signature")
    return made + b"\n"


def _run(arguments: list[str], content: bytes) -> str:
    """Run ssh-keygen; return what it said."""
    tool = shutil.which("ssh-keygen")
    if tool is None:
        raise SignatureError("ssh-keygen is not on PATH; it is a part of OpenSSH (openssh-client)")
    ended = subprocess.run([tool, *arguments], input=content, capture_output=True, check=False)
    said = ended.stdout.decode(errors="replace").strip()
    if ended.returncode != 0:
        why = (ended.stderr.decode(errors="replace").strip() or said).splitlines()
        raise SignatureError(f"ssh-keygen: {why[-1] if why else 'failed'}")
    return said
