"""Rows of Table 1 that tests make: small training sets, and one that does a deed."""

import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np

from dan_bench.data.mnist import Mnist
from dan_bench.erase.filesystem import IN_PLACE
from dan_bench.report.table1 import store_of
from dan_bench.table1.__main__ import main
from dan_bench.table1.entry import Entry, RunContext, TrainingResult, TrainingSet, file_system_of
from dan_bench.table1.workspace import Workspace, regular_files

PRESETS = ("quick", "paper")
ADAM = {"_target_": "torch.optim.Adam", "lr": 1e-3}
SOME = {"_target_": "dan_bench.table1.dan.DanoiseFiles", "files": 2}
GIVEN = RunContext(0, "cpu", lambda _: None)


@dataclasses.dataclass(frozen=True)
class Saboteur(Entry):
    """Does something to one file of a folder beside its own, and fails if it is told to."""

    deed: str
    folder: str
    fails: bool = False

    def run(self, place, context):
        path = regular_files(getattr(place, self.folder), self.folder)[0]
        with (place.root.parents[2] / "ran.txt").open("a") as file:
            file.write(f"{place.root}\n")
        if self.deed == "overwrite":
            with path.open("rb+") as file:
                file.write(os.urandom(path.stat().st_size))
        elif self.deed == "truncate":
            os.truncate(path, 0)
        elif self.deed == "delete":
            path.unlink()
        elif self.deed == "replace":
            other = path.with_name("other")
            other.write_bytes(b"nothing of the kind")
            other.replace(path)
        elif self.deed == "wait":
            time.sleep(600)
        if self.fails:
            raise ArithmeticError("after the deed")
        return TrainingResult()


def runs(folder):
    """How often a saboteur has run, in whatever process."""
    return len((folder / "results" / "table1" / "ran.txt").read_text().splitlines())


@dataclasses.dataclass(frozen=True)
class SmallMnist(TrainingSet):
    """The first digits of the real one, in files of its format."""

    root: Path
    rows: int

    def write(self, place, seed):
        for split, folder, stem in (
            ("train", place.training, "train"),
            ("test", place.held_out, "t10k"),
        ):
            raw = folder / "MNIST" / "raw"
            raw.mkdir(parents=True)
            data = Mnist(self.root).load(split)
            images = data.rows[: self.rows].tobytes()
            labels = data.labels[: self.rows].astype(np.uint8).tobytes()
            (raw / f"{stem}-images-idx3-ubyte").write_bytes(bytes(16) + images)
            (raw / f"{stem}-labels-idx1-ubyte").write_bytes(bytes(8) + labels)


def preset(folder, **rows):
    """Write a preset of rows (training, entry[, config of the run]) and return its folder."""
    path = folder / "tiny"
    path.mkdir(exist_ok=True)
    for position, (name, (training, entry, *more)) in enumerate(rows.items()):
        values = dict(*more)
        values["defaults"] = ["/table1", *values.get("defaults", [])]
        values["table1"] = {
            "title": f"the {name}",
            "position": position,
            "in_paper": True,
            "training": training,
            "entry": entry,
        }
        # JSON is YAML
        (path / f"{name}.yaml").write_text(f"# @package _global_\n{json.dumps(values)}\n")
    return str(path)


def saboteur(deed, folder, **more):
    return SOME, {"_target_": "table1_rows.Saboteur", "deed": deed, "folder": folder, **more}


def table(folder, *arguments, progress="quiet"):
    results = folder / "results"
    return main(["--results", str(results), "--progress", progress, *map(str, arguments)])


def records(folder):
    good, damaged = store_of(folder / "results").all()
    assert not damaged
    return {record.config["subject"]: record for record in good}


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def made_place(folder):
    place = Workspace(folder / "place")
    for each in (place.training, place.held_out, place.album, place.work):
        each.mkdir(parents=True)
    return place


def image_folder(root, splits=("",)):
    for split in splits:
        for name in ("n1", "n2", "n3"):
            (root / split / name).mkdir(parents=True)
            for number in range(10):
                (root / split / name / f"{number}.JPEG").write_bytes(os.urandom(20))


def vouched(folder):
    return file_system_of(folder) in IN_PLACE
