"""`degenerate --verify CERTIFICATE`: whether a certificate is whole, and adds up; runs nothing.

What is checked: that it is of the form of `form.Document`; the chain of hashes; every sum; that
the text beside it says the same; and the signature, if there is one. Not that it is true: whoever
can write a certificate can write one that adds up. That is what a signature is for.
"""

import json
import os
import stat
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dan_bench.degenerate.form import KIND, Document, compact
from dan_bench.degenerate.signature import SignatureError, check
from dan_bench.degenerate.sums import EVERY, Chain, Sums
from dan_bench.degenerate.text import percent, quoted, text_of
from dan_bench.erase.records import first_fault
from dan_bench.files import lent
from dan_bench.markup import one_line

LARGEST = 128 << 20
"""Bytes of a certificate that is read: those of a million files and more."""
HEAD = tuple(Document.model_fields)[: list(Document.model_fields).index("folders")]


class BadCertificate(ValueError):
    """It is none, it was altered, or it does not add up; the message says what and where."""


def verify(path: Path, signers: Path | None = None) -> str:
    """Check a certificate, the text beside it and its signature; return what was found, in lines.

    Args:
        path: of the JSON file.
        signers: file of those who may sign; with it, a signature is demanded.

    Raises:
        BadCertificate: it is not good.
        OSError: it cannot be read.
    """
    content = read(path)
    document = parsed(content)
    sums = check_entries(document)
    beside = path.with_suffix(".txt")
    if os.path.lexists(beside):
        text = text_of(document, sums.shown, sums.exceptional)
        if read(beside) != text:
            raise BadCertificate(f"{beside} does not say what {path} says")
    signature = path.with_name(path.name + ".sig")
    signed = "not signed: it shows no more than that nothing was damaged"
    try:
        if os.path.lexists(signature):
            signed = check(content, signature, signers)
        elif signers is not None:
            raise BadCertificate(f"it is not signed: there is no {signature}")
    except SignatureError as error:
        raise BadCertificate(f"the signature is not good: {error}") from error
    total = document["total"]
    lines = [
        f"good: form, chain and sums hold; chain ends in {document['chain']['head']}",
        f"signature: {signed}",
        *(f"path: {quoted(path)}" for path in document["paths"][:40]),
        f"{total['overwritten']:,} files overwritten, {total['partly']:,} in part, "
        f"{total['failed']:,} failed, {total['left_alone']:,} left alone, "
        f"{total['doubted']:,} in doubt; {percent(total['destroyed'])}",
    ]
    return "\n".join(map(one_line, lines))


def read(path: Path) -> bytes:
    """Return a regular file's content.

    Raises:
        BadCertificate: it is no regular file, or too large.
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with lent(os.open(path, flags)) as handle:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise BadCertificate(f"{path} is no regular file")
        with open(handle, "rb", closefd=False) as file:
            content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadCertificate(f"{path} has more than {LARGEST:,} bytes")
    return content


def parsed(content: bytes) -> dict[str, Any]:
    """Return a document that is of the form.

    Raises:
        BadCertificate: it is not.
    """
    try:
        document = json.loads(content, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise BadCertificate(f"it is no JSON: {error}") from error
    kind = document.get("kind") if isinstance(document, dict) else None
    if kind != KIND:
        if kind == "dan_bench certificate of erasure, version 1":
            raise BadCertificate(
                "it is of version 1, which has neither a chain nor sums: nothing can be checked"
            )
        raise BadCertificate(f"it is no certificate of erasure: `kind` is not {KIND!r}")
    try:
        Document.model_validate_json(content)
    except ValidationError as error:
        raise BadCertificate(first_fault(error)) from error
    return dict(document)


def check_entries(document: dict[str, Any]) -> Sums:
    """Go through all entries of a document that is of the form; return what they add up to.

    Raises:
        BadCertificate: the chain is broken, or a sum or reference is wrong.
    """
    outcomes, claimed = document["outcomes"], document["chain"]
    for i, outcome in enumerate(outcomes):
        if outcome["source"] is not None and outcome["source"] >= len(document["sources"]):
            raise BadCertificate(f"outcomes.{i}.source: there is no such source")
    for i, source in enumerate(document["sources"]):
        if source["at_most"] is not None and source["at_most"] < source["at_least"]:
            raise BadCertificate(f"sources.{i}: at most is less than at least")
    chain, sums = (
        Chain({name: document[name] for name in HEAD}),
        Sums(document["sources"], document["remove"]),
    )
    number = 0
    for i, of in enumerate(document["folders"]):
        folder = compact(of["folder"])
        for j, entry in enumerate(of["files"]):
            where = f"folders.{i}.files.{j}"
            if entry[2] >= len(outcomes):
                raise BadCertificate(f"{where}: there is no outcome {entry[2]}")
            _check_entry(where, entry, outcomes[entry[2]])
            chain.add(folder, compact(entry))
            sums.add(of["folder"], entry, outcomes[entry[2]])
            number += 1
            if number % EVERY == 0 and claimed["links"][: len(chain.links)] != chain.links:
                raise BadCertificate(
                    f"the chain is broken in files {number - EVERY + 1:,} to {number:,}, or before "
                    "all files"
                )
    for i, outcome in enumerate(outcomes):
        if outcome["count"] != sums.counts.get(i, 0):
            raise BadCertificate(f"outcomes.{i}.count: {sums.counts.get(i, 0)} files have it")
    total = sums.total()
    for name, value in total.items():
        if document["total"][name] != value:
            raise BadCertificate(f"total.{name}: the entries add up to {value}")
    if chain.end(outcomes, document["total"]) != claimed:
        raise BadCertificate(
            f"the chain is broken after file {len(chain.links) * EVERY:,}, or before all files"
        )
    return sums


def _check_entry(where: str, entry: list[Any], outcome: dict[str, Any]) -> None:
    """Refuse an entry whose parts contradict each other."""
    _, size, _, low, high, *rest = entry
    of: dict[str, Any] = rest[0] if rest else {}
    data = of.get("data")
    if size is not None and data is not None and data > size:
        raise BadCertificate(f"{where}: {data} bytes of data in a file of {size}")
    held = size if data is None else data
    if (compared := of.get("compared") or 0) > (held or 0):
        raise BadCertificate(f"{where}: {compared} bytes compared, of {held}")
    done, bad = outcome["status"] == "overwritten", of.get("bad") or []
    if done != (outcome["error"] is None) or (bad and done):
        raise BadCertificate(f"{where}: what is overwritten, and nothing else, has no error")
    if any(not start < end <= (size or 0) for start, end in bad):
        raise BadCertificate(f"{where}: bad blocks at {bad[0]}, in a file of {size}")
    alone = outcome["status"] in ("left alone", "passed over")
    if (size is None) != alone or (outcome["source"] is None) != alone:
        raise BadCertificate(
            f"{where}: what was left alone, and nothing else, has no size or noise"
        )
    if (low is None) != (high is None) or (low is not None and low > high):
        raise BadCertificate(f"{where}: %_dd from {low} to {high}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless a name is in it twice: readers differ in which one counts."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name is twice in one object")
    return made


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")
