"""`assess --entropy-source DIR`: the report on a source, as files that a laboratory keeps."""

import hashlib
import json
import shlex
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dan_bench.assess.laboratory.assessment import SourceAssessment, assess_source, health_p_value
from dan_bench.assess.laboratory.drawing import page
from dan_bench.assess.laboratory.folder import source_folder
from dan_bench.assess.laboratory.nist import esv_metadata, nist_runs
from dan_bench.assess.laboratory.text import report_text
from dan_bench.assess.reading import UnusableInput
from dan_bench.cli import FAILED, OK, InputError
from dan_bench.interfaces import StageCallback
from dan_bench.results.provenance import tool
from dan_bench.tables import one_line


def run(
    folder: Path, out: Path, arguments: list[str], progress: StageCallback
) -> tuple[int, dict[str, Any], str]:
    """Assess a folder and write the report into a folder that does not exist yet.

    Returns:
        The exit code, the content of report.json, and that of report.txt.

    Raises:
        InputError: the input or the place of the output cannot be used.
    """
    source = source_folder(folder)
    if out.exists() or out.is_symlink():
        raise InputError(f"--out {one_line(str(out))} exists already: name a new folder")
    if folder.resolve() in (out.resolve(), *out.resolve().parents):
        raise InputError(f"--out {one_line(str(out))} lies in the folder that is assessed")
    began = time.time()
    # made before the work, so that a place where nothing can be written is refused at once
    with tempfile.TemporaryDirectory(dir=out.absolute().parent, prefix=".report-") as beside:
        hashes = {name: sha256(path) for name, path in source.files.items()}
        try:
            result = assess_source(source, progress)
        except UnusableInput as error:
            raise InputError(str(error)) from error
        progress("report")
        for name, path in source.files.items():
            if sha256(path) != hashes[name]:
                raise InputError(f"{one_line(str(path))} changed while it was assessed")
        command = shlex.join(["python", "-m", "dan_bench.assess", *arguments])
        head: dict[str, Any] = {
            "tool": tool(),
            "command": command,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
            "seconds": time.time() - began,
            "inputs": {
                name: {
                    "file": path.name,
                    "bytes": path.stat().st_size,
                    "sha256": hashes[name],
                }
                for name, path in source.files.items()
            },
        }
        found = head | as_json(result)
        found["nist"] = nist_runs(result, head)
        found["esv"] = esv_metadata(result, hashes)
        text = report_text(result, found)
        made = Path(beside) / "report"
        made.mkdir()
        _write(made / "report.json", found)
        (made / "report.txt").write_text(text + "\n", encoding="utf-8")
        (made / "plots.html").write_text(page(result, found), encoding="utf-8")
        for name, nist in found["nist"].items():
            _write(made / f"nist-{name}.json", nist)
        if found["esv"] is not None:
            _write(made / "esv-metadata.json", found["esv"])
        if out.exists():
            raise InputError(f"--out {one_line(str(out))} was made by another meanwhile")
        made.rename(out)
    return FAILED if result.failed else OK, found, text


def as_json(result: SourceAssessment) -> dict[str, Any]:
    """Return what docs/entropy-source.md documents, but for the head: built-in types alone."""
    source = result.source
    found: dict[str, Any] = {
        "passed": not result.failed,
        "failed": list(result.failed),
        "remarks": list(result.remarks),
        "track": result.track,
        "assessed": result.assessed,
        "h_submitter": source.h_submitter,
        "bits_per_symbol": source.layout.width,
        "format": source.layout.form,
        "lanes": list(source.layout.lanes),
        "alpha": source.alpha,
        "samples": result.samples,
        "sequential": {
            "non_iid": result.non_iid.to_json(),
            "most_common": result.most_common.to_json(),
        },
        "iid": None,
        "restart": result.restart.to_json(),
        "conditioning": None,
        "health": None,
        "ais31": {name: found for name, (_, found) in result.ais31.items()},
        "ais31_claimed": list(source.ais31),
        "bits": [asdict(lane) for lane in result.lanes.lanes],
        "segments": None if result.segments is None else asdict(result.segments),
    }
    if result.iid is not None:
        found["iid"] = {
            "iid": result.iid.iid,
            "claimed": True,
            "inapplicable": result.iid.inapplicable,
            "tests": [asdict(test) for test in result.iid.tests],
        }
        if result.iid_restart is not None and result.iid_restart is not result.restart:
            found["iid"]["restart"] = result.iid_restart.to_json()
    if result.conditioning is not None:
        found["conditioning"] = result.conditioning.to_json()
    if result.health is not None and result.assessed is not None:
        found["health"] = {
            "cutoffs": asdict(result.health.cutoffs),
            "p_value": health_p_value(result.health, result.assessed),
            "power": [asdict(fault) for fault in result.power],
            **result.health.to_json(),
        }
    built_in: dict[str, Any] = json.loads(json.dumps(found, allow_nan=False, default=_plain))
    return built_in


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _plain(value: Any) -> Any:
    """Return a number of numpy as one of Python."""
    return value.item()


def _write(path: Path, found: Any) -> None:
    path.write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
