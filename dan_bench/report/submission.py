"""`python -m dan_bench.report submit NAME`: a method's results as a folder for a pull request.

The folder is an archive of results, as the reference is one, with the code that made them and
`submission.json`, which says what code that is.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from dan_bench.cli import InputError, unusable, user_path
from dan_bench.config.schema import RENAMED
from dan_bench.files import whole
from dan_bench.interfaces import SCHEMA_VERSION, RunRecord
from dan_bench.report.inputs import axes_of, finished, read, results_parser
from dan_bench.results import archive
from dan_bench.results.provenance import code_digest, found_code, others_packages, targets_of
from dan_bench.results.reading import DAMAGES, reason
from dan_bench.results.record import key_of
from dan_bench.results.select import group_methods, seed_of
from dan_bench.results.where import conditions, there_are, where

FORM = 1
SEEDS = 5
"""Seeds of each method at least, from 0 on and none left out, as those of the reference."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
PINNED = re.compile(r"https://[^\s@]+@[0-9a-f]{40}")
COPY, CODE, ABOUT = "copy", "code", "submission.json"
MOST = 400_000
"""Bytes of the records, curves and samples."""
REQUIRED = ("commit", "dirty", "packages", "python", "machine", "ended")
"""What the provenance of a record says."""
PARTS = (
    *(f"dan_bench.{part}." for part in ("attacks", "controls", "data", "metrics", "models")),
    *("dan_bench.objectives.", "torch.optim."),
)
"""Where everything is defined that a config may name of the program itself."""


@dataclass(frozen=True)
class Submission:
    """What `submission.json` says."""

    name: str
    model: str
    source: str
    """`copy` of the code in the folder `code`; or URL@COMMIT of a git repository."""
    code: dict[str, str]
    """SHA-256 of each package of others that the records name, as `code_digest` has it."""
    form: int = FORM


def opened(folder: Path) -> tuple[Submission, list[RunRecord]]:
    """Read a submission.

    Raises:
        InputError: it is none.
    """
    path = folder / ABOUT
    try:
        about = Submission(**json.loads(path.read_text()))
        texts = (about.name, about.model, about.source, *about.code, *about.code.values())
        if about.form != FORM or not all(isinstance(t, str) and t.isprintable() for t in texts):
            raise ValueError(f"not of form {FORM}")
        if not all(package.isidentifier() for package in about.code):
            raise ValueError("code that is no package")
        if about.source != COPY and not PINNED.fullmatch(about.source):
            raise ValueError(f"its source is neither {COPY!r} nor https://HOST/PATH@COMMIT")
    except FileNotFoundError:
        raise InputError(f"{folder} is no submission: it has no {ABOUT}") from None
    except DAMAGES as error:
        raise InputError(f"{path} is damaged: {reason(error)}") from error
    records, damaged = archive.Archive(folder).all()
    if damaged or not records:
        raise InputError(f"{folder}: {next(iter(damaged.values()), 'it has no records')}")
    return about, records


# --- what can be seen without running anything --------------------------------------------------


def faults(records: Sequence[RunRecord], code: dict[str, str]) -> list[str]:
    """Return what is wrong with records: keys, provenance, code, seeds.

    Args:
        records: of a submission.
        code: SHA-256 of each package of others that is submitted.
    """
    found = [f"{record.key}: {fault}" for record in records for fault in of_record(record, code)]
    named = {package for record in records for package in others_packages(record.config)}
    found += [f"code of {package}, which no record names" for package in sorted({*code} - named)]
    for method in group_methods(records):
        seeds = sorted(map(seed_of, method.runs))
        planned = list(range(max(SEEDS, seeds[-1] + 1)))
        if seeds != planned:
            missing = ", ".join(str(seed) for seed in planned if seed not in seeds)
            found.append(
                f"{method.section} {method.label}: "
                + (f"no finished run of seed {missing}" if missing else "a seed has two records")
            )
        held = Counter(name for run in method.runs for name, of in run.metrics.items() if of)
        if uneven := sorted(name for name, count in held.items() if count < len(seeds)):
            names = ", ".join(uneven)
            found.append(f"{method.section} {method.label}: {names} of some of the seeds only")
    return found


def of_record(record: RunRecord, code: dict[str, str]) -> list[str]:
    """Return what is wrong with one record."""
    if record.status != "done" or record.schema_version != SCHEMA_VERSION:
        return [f"{record.status}, of schema {record.schema_version}; done, of {SCHEMA_VERSION}"]
    found = []
    if key_of(record.config, record.schema_version) != record.key:
        found.append("its config is not the one that its key was made from")
    of = record.provenance
    if lacks := [name for name in REQUIRED if name not in of]:
        found.append(f"its provenance lacks {', '.join(lacks)}")
    if of.get("dirty"):
        found.append("made by a dan_bench with edited files: undo or commit them, and run again")
    measured = {name: record.config[name] for name in ("data", "evaluation")}
    if alien := others_packages(measured):
        found.append(f"measured by code of {', '.join(alien)}; data and metrics must be ours")
    if "fingerprint" in record.config["data"]:
        found.append("its data are files that nobody else has")
    found += [
        f"its config names {target}, which is no part of an experiment"
        for target in dict.fromkeys(targets_of(record.config))
        if not others_packages({"_target_": target}) and not is_part(target)
    ]
    used = {name: code.get(name) for name in others_packages(record.config)}
    stated_code: Any = of.get("code")
    made_by = stated_code if isinstance(stated_code, dict) else {}
    found += [
        f"made by other code of {name} than is submitted"
        for name, digest in used.items()
        if digest is None or made_by.get(name) != digest
    ]
    return found


def is_part(target: str) -> bool:
    """Return whether a target is defined under `PARTS`; `dan_bench.data.fetch.os.system` is not."""
    target = RENAMED.get(target, target)
    try:
        found = resolve_name(target) if target.startswith(PARTS) else None
    except (ImportError, AttributeError, ValueError):
        return False
    return str(getattr(found, "__module__", "")).startswith(PARTS)


# --- the folder ---------------------------------------------------------------------------------

README = """# {name}

{runs} runs of `{model}`, from commit {commit} of dan_bench. Code: {code}.

Say here in a few sentences what the method is, where it is described, and who to ask.

```sh
python -m dan_bench.report --results submissions/{name}
python -m dan_bench.report verify submissions/{name}
```

The config of the first run, without its evaluation:

```json
{config}
```
"""


def bundle(
    about: Submission, records: Sequence[RunRecord], results: Path, folder: Path
) -> archive.ArchiveSummary:
    """Write a submission's folder, which is not there yet.

    Args:
        about: what `submission.json` is to say.
        records: of its runs.
        results: the folder with `runs/` that they are in.
        folder: where to.
    """
    written = archive.publish(results, folder, {r.key for r in records}, MOST, ())
    (folder / archive.RECORDS["table1"]).unlink(missing_ok=True)  # which is not about the method
    for package in about.code if about.source == COPY else ():
        where_from = found_code(package)
        files = [p for end in ("py", "yaml") for p in (where_from / package).rglob(f"*.{end}")]
        alone = where_from / f"{package}.py"
        for path in [*files, *([alone] if alone.is_file() else [])]:
            to = folder / CODE / path.relative_to(where_from)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
    first = records[0]
    config = {name: part for name, part in first.config.items() if name != "evaluation"}
    names = ", ".join(f"`{package}`" for package in about.code) or "none but dan_bench's own"
    texts = {
        ABOUT: json.dumps(asdict(about), indent=1) + "\n",
        "README.md": README.format(
            name=about.name,
            model=about.model,
            runs=len(records),
            commit=first.provenance.get("commit"),
            code=names + (f", {about.source}" if about.source != COPY else ""),
            config=json.dumps(config, indent=1),
        ),
    }
    for name, text in texts.items():
        with whole(folder / name) as file:
            file.write(text.encode())
    return written


def main(arguments: list[str] | None = None) -> int:
    """Bundle a method's runs; 0 where that is done, 2 where they cannot be submitted so."""
    parser = results_parser(
        "submit",
        "Bundle the runs of a model, of your own or ours, for a pull request (CONTRIBUTING.md).",
        "example: python -m dan_bench.report submit deep --model deep --where data=mnist",
    )
    parser.add_argument("name", metavar="NAME", help="of the folder: a-z, 0-9, - and _")
    parser.add_argument("--model", required=True, help="the runs' model.name")
    parser.add_argument("--where", metavar="A=X,...", help="only some of its runs, as of the table")
    parser.add_argument(
        "--code",
        default=COPY,
        metavar="URL@COMMIT",
        help="where the model's code is published, https://HOST/PATH@ and 40 digits (default: its "
        "Python files are copied)",
    )
    parser.add_argument("--to", type=user_path, default=Path("submissions"), metavar="DIR")
    asked = parser.parse_args(arguments)
    folder = asked.to / asked.name
    if not NAME.fullmatch(asked.name):
        parser.error(f"NAME {asked.name!r}: small letters, digits, - and _")
    if asked.code != COPY and not PINNED.fullmatch(asked.code):
        parser.error(f"--code {asked.code}: https://HOST/PATH@ and the 40 digits of a commit")
    if folder.exists() or (why := unusable(asked.to)):
        parser.error(f"{folder} is there already" if folder.exists() else f"--to {asked.to}: {why}")
    done = finished(read(asked.results)[1], asked.results)
    models = {str(record.config["model"]["name"]) for record in done}
    records = [record for record in done if record.config["model"]["name"] == asked.model]
    if not records:
        raise InputError(f"no finished runs of {asked.model!r}; {there_are(models, asked.model)}")
    if asked.where is not None:
        records = where(records, conditions(asked.where), axes_of(records))
    packages = {package for record in records for package in others_packages(record.config)}
    code = {package: code_digest(found_code(package), package) for package in sorted(packages)}
    if wrong := faults(records, code):
        raise InputError("\n".join(["these runs cannot be submitted as they are:", *wrong]))
    about = Submission(asked.name, asked.model, asked.code, code)
    print(f"{folder}: {bundle(about, records, asked.results, folder)}")
    print(f"check it with: python -m dan_bench.report verify {folder}")
    return 0
