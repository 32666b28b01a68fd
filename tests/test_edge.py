"""What users type, and what they get where it cannot be used: one line and exit code 2."""

import errno
import gc
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dan_bench import train
from dan_bench.cli import InputError, entry_point, unusable, user_path
from dan_bench.config.command_line import checked
from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.dashboard import main as dashboard
from dan_bench.degenerate.__main__ import main as degenerate
from dan_bench.reference import main as reference
from dan_bench.report.__main__ import main as report
from dan_bench.table1.__main__ import main as table1
from dan_bench.tour import main as tour

FOLDER = ["data=folder", "data.shape=[8,8]", "evaluation=minimal"]
NAMES = ("br[bold]x", "日本", "eq=al", "Fotos (2024)", "it's", "sp ace", ":smile:", "com,ma")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with pictures in folders of many names, a home, and a truncated JPEG."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sys, "argv", ["train"])
    pixels = np.random.default_rng(0).integers(0, 256, (7, 8, 8), dtype=np.uint8)
    for name in ("few", "home/few", *NAMES):
        (tmp_path / name).mkdir(parents=True)
        for i, picture in enumerate(pixels):
            Image.fromarray(picture).save(tmp_path / name / f"{i}.png")
    broken = tmp_path / "truncated" / "a.jpg"
    broken.parent.mkdir()
    Image.fromarray(np.tile(pixels[0], (8, 8))).save(broken)
    broken.write_bytes(broken.read_bytes()[:900])
    (tmp_path / "file").write_text("no folder")
    return tmp_path


def refused(main: Callable[[list[str]], int], arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as ended:  # argparse's
        return int(ended.code or 0)


TRAIN: dict[str, tuple[list[str], list[str]]] = {
    "no logger": (["logger=null"], ["logger=null", "csv, none, tensorboard, wandb"]),
    "no data": (["data=null"], ["data=null", "danoise"]),
    "a number for a model": (["model=1"], ["model=1", "dan, dcdan"]),
    "one of several": (["-m", "model=gan,1"], ["model=gan,1", "dan, dcdan"]),
    "a truth value": (["objective=true"], ["objective=true", "hinge"]),
    "null in a grid": (["-m", 'hydra.sweeper.grids=[{model: "gan,1"}]'], ["model=gan,1", "dan"]),
    "an entry of Table 1": (["+table1/quick=vgg"], ["dan_bench.table1 --subjects NAME"]),
    "a module for a model": (["data=danoise", "model._target_=os"], ["model._target_=os: "]),
    "a class without a signature": (
        ["data=danoise", "objective._target_=builtins.int"],
        ["objective._target_=builtins.int: "],
    ),
    "a network as a control": (["data=danoise", "model.kind=control"], ["model._target_=dan_b"]),
    "a part that nothing has": (["+x.y=3"], ["x: Extra inputs"]),
    "no override": (["bogus"], ["'bogus'", "seed=3"]),
    "no name": (["=3"], ["'=3'", "seed=3"]),
    "no value that Hydra reads": (["seed=[1"], ["'[1'", "type 'seed=\"[1\"'"]),
    "no such variable": (["seed=${oc.env:NOPE}"], ["NOPE"]),
    "a home that lacks it": ([*FOLDER, "data.root=~/nope"], ["home/nope is not a folder"]),
    "an empty path": ([*FOLDER, "data.root="], ["data.root=''", "empty path"]),
    "a list for a path": ([*FOLDER, "data.root=[few]"], ["data.root=['few']", "'NAME=\"PATH\"'"]),
    "a truncated JPEG": ([*FOLDER, "data.root=truncated"], ["truncated/a.jpg", "data.kind=bytes"]),
    "too few rows for a split": (
        [*FOLDER, "data.root=few", "data.test_fraction=0.01"],
        ["makes 7 rows", "data.test_fraction=0.01"],
    ),
    "a comma in a path": (
        ["-m", *FOLDER, "data.root=com,ma"],
        ["data.root=com,ma", "'data.root=\"com,ma\"'"],
    ),
    "a shape of nothing": (["data=danoise", "data.shape=[0,8]"], ["data.shape.0=0"]),
    "four dimensions": (["data=danoise", "data.shape=[4,4,5,2]"], ["data.shape", "3 items"]),
    "a long tag": (
        ["data=danoise", f"logger.tags=[{'t' * 65}]"],
        ["logger.tags", "65 characters", "between 1 and 64"],
    ),
    "a project that wandb refuses": (["data=danoise", "logger.project=a/b"], ["'a/b'"]),
    "a name that is a long tag": (["data=danoise", f"model.name={'m' * 65}"], ["model.name", "64"]),
    "a name that is a path": (["data=danoise", "model.name=../x"], ["model.name='../x'"]),
    "data that one of the models cannot use": (
        ["-m", "data=danoise", "evaluation=minimal", "model=identity,fgsm"],
        ["fgsm", "labels"],
    ),
    "results in a file": (
        ["data=danoise", "runtime.results=file"],
        ["runtime.results=/", "is not a folder"],
    ),
    "results nowhere": (["data=danoise", "runtime.results=/proc/nope"], ["/proc/nope"]),
    "two folders of results": (
        ["-m", "data=danoise", "runtime.results=a,b"],
        ["runtime.results=a,b", "'runtime.results=\"a,b\"'"],
    ),
}


def test_a_folder_that_is_called_ray_is_not_taken_for_ray(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """As in /tmp, where Ray leaves one."""
    (place / "ray").mkdir()

    class Folder(PathFinder):
        @classmethod
        def find_spec(cls, name: str, path: object = None, target: object = None) -> object:
            return PathFinder.find_spec(name, [str(place)]) if name == "ray" else None

    for name in [name for name in sys.modules if name.split(".")[0] == "ray"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "dan_bench.sweep.ray", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Folder, *sys.meta_path])
    words = ["-m", "data=danoise", "seed=0,1", "model=identity", "runtime.executor=ray"]
    assert refused(train.main, words) == 2
    said = capfd.readouterr().err
    assert "ray is not installed; type: pip install 'dan-bench[ray]'" in said
    assert "Traceback" not in said


def test_a_sweep_that_a_program_starts_leaves_what_it_made_to_the_collector(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dan_bench.sweep.jobs.carry_out", len)
    before = gc.get_freeze_count()
    assert train.main(["-m", "data=danoise", "seed=0,1", f"runtime.results={place}"]) == 2
    assert gc.get_freeze_count() == before


@pytest.mark.parametrize(("arguments", "words"), TRAIN.values(), ids=TRAIN.keys())
def test_train_says_what_is_wrong_and_runs_nothing(
    arguments: list[str], words: list[str], place: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(place.iterdir())
    assert refused(train.main, arguments) == 2
    said = capfd.readouterr()
    assert [word for word in words if word not in said.err] == [], said.err
    assert "Traceback" not in said.err
    assert "Error executing job" not in said.err
    assert said.out == ""
    assert set(place.iterdir()) == before


OTHERS: dict[str, tuple[Callable[[list[str]], int], list[str], str]] = {
    "report: no results": (report, ["--results=~/nope"], "home/nope"),
    "report: an empty path": (report, ["--results="], "invalid path value"),
    "report: a file": (report, ["table1", "--results", "file"], "file/table1; "),
    "table1: results": (table1, ["--results", "file"], "file is not a folder"),
    "table1: scratch": (table1, ["--scratch", "file/x"], "file is not a folder"),
    "degenerate: certificate": (
        degenerate,
        ["few", "--dry-run", "--certificate", "file/x.json"],
        "there is no folder",
    ),
    "dashboard: a project": (dashboard, ["tables", "--project", "a/b"], "cannot contain"),
    "dashboard: a folder": (dashboard, ["workspace", "--write", "few"], "few: Is a directory"),
    "tour: results": (tour, ["--results", "file"], "file is not a folder"),
    "reference: results": (reference, ["--results", "file"], "file is not a folder"),
    "reference: nothing": (reference, ["--publish", "--results", "nope"], "make reference"),
}


@pytest.mark.parametrize(("main", "arguments", "words"), OTHERS.values(), ids=OTHERS.keys())
def test_so_do_the_others(
    main: Callable[[list[str]], int],
    arguments: list[str],
    words: str,
    place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = set(place.iterdir())
    assert refused(main, arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Errno" not in said
    assert set(place.iterdir()) == before


@pytest.mark.parametrize("name", [*NAMES[:-1], "~/few", "$HOME/few"])
def test_a_path_with_any_signs_is_read_as_it_was_typed(name: str, place: Path) -> None:
    config = configure([*FOLDER, checked(f"data.root={name}"), checked(f"runtime.results={name}")])
    assert config.data.arguments["root"] == name
    assert config.runtime.results == user_path(name)
    assert user_path(name).is_dir()


@pytest.mark.parametrize(
    "text", ["seed=3", "model=dan,gan", "logger.tags=[a,b]", "~logger", "a='b'"]
)
def test_what_hydra_reads_is_left_as_it_is(text: str) -> None:
    assert checked(text) == text


def test_a_path_in_a_config_is_expanded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "$HOME")
    values = configure(["data=danoise", "logger=none"]).model_dump(mode="json", by_alias=True)
    values["runtime"]["results"] = "~/~/$NAME"
    assert RunConfig.parse(values).runtime.results == Path(os.environ["HOME"], "~", "$HOME")


def test_unusable_names_what_is_in_the_way(place: Path) -> None:
    (place / "dangling").symlink_to(place / "nowhere")
    assert unusable(place / "new" / "folder") == ""
    assert unusable(place / "file" / "x") == f"{place / 'file'} is not a folder"
    assert unusable(place / "dangling") == f"{place / 'dangling'} is not a folder"


ENDS: dict[str, tuple[Exception | KeyboardInterrupt, int, str]] = {
    "input": (InputError("--x y: type z"), 2, "--x y: type z\n"),
    "a file": (FileNotFoundError(errno.ENOENT, "No such file", "x"), 2, "x: No such file\n"),
    "a full disk": (OSError(errno.ENOSPC, "No space left"), 2, "No space left\n"),
    "Ctrl-C": (KeyboardInterrupt(), 130, ""),
}


@pytest.mark.parametrize(("error", "code", "said"), ENDS.values(), ids=ENDS.keys())
def test_a_command_ends_with_a_line_at_most(
    error: Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @entry_point
    def main() -> int:
        raise error

    assert main() == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError(errno.EBADF, "Bad descriptor")])
def test_a_fault_of_the_program_keeps_its_traceback(error: Exception) -> None:
    @entry_point
    def main() -> int:
        raise error

    with pytest.raises(type(error)):
        main()


HELP = [sys.executable, "-m", "dan_bench.report", "--help"]
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def test_whoever_stops_reading_gets_no_traceback() -> None:
    with subprocess.Popen(
        HELP, env=BUFFERED, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


def test_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        ended = subprocess.run(HELP, env=BUFFERED, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (2, b"No space left on device\n")


def test_ctrl_c_before_the_first_run_leaves_no_traceback(place: Path) -> None:
    program = (
        "import dan_bench.pipeline.plan as plan, signal\n"
        # whoever runs the tests in the background may have had SIGINT ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "plan.plan = lambda _: signal.raise_signal(signal.SIGINT)\n"
        "from dan_bench.train import main\n"
        "raise SystemExit(main(['data=danoise', 'logger=none']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


def test_ctrl_c_inside_a_dataclass_ends_with_the_exit_code_too(place: Path) -> None:
    """Python takes note of a Ctrl-C in an exec of text, and would end itself by the signal."""
    (place / "program.py").write_text(
        "import sys\n"
        "from dan_bench.cli import entry_point\n"
        "main = entry_point(lambda: exec('raise KeyboardInterrupt'))\n"
        "sys.exit(main())"
    )
    ended = subprocess.run([sys.executable, "-m", "program"], cwd=place, check=False)
    assert ended.returncode == 130


def test_who_waits_at_a_terminal_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for terminal in (True, False):
        monkeypatch.setattr(sys.stdout, "isatty", lambda terminal=terminal: terminal)
        assert train.is_watched(["-m", "model=dan,gan"]) == terminal
        for silent in (["runtime.progress=json"], ["runtime.progress=quiet"], ["--help"]):
            assert not train.is_watched(silent)


def test_the_first_line_is_there_before_anything_heavy_is_imported(place: Path) -> None:
    """Within a second where the machine has nothing else to do; torch alone takes five."""
    code = (
        "import sys; from dan_bench import train\n"
        "class Terminal:\n"
        "    def isatty(self): return True\n"
        "    def write(self, text):\n"
        "        heavy = {'torch', 'hydra', 'numpy', 'pydantic'} & sys.modules.keys()\n"
        "        print(repr(text), heavy, file=sys.stderr)\n"
        "        raise KeyboardInterrupt\n"
        "    def flush(self): pass\n"
        "sys.stdout = Terminal(); sys.exit(train.main(['data=danoise']))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.startswith("'reading the config and the data")
    assert ended.stderr.rstrip().endswith("set()")


def test_a_ctrl_c_that_is_lost_before_the_work_begins_ends_it(place: Path) -> None:
    """Python forgets what is raised in a destructor, such as one that an import runs."""
    (place / "program.py").write_text(
        "import signal, sys\n"
        "from dan_bench.cli import entry_point, remembering_interrupts\n"
        "class Lost:\n"
        "    def __del__(self):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "def work():\n"
        "    Lost()\n"
        "    with remembering_interrupts() as check:\n"
        "        check()\n"
        "    return 0\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "sys.exit(entry_point(work)())"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "program"], cwd=place, check=False, stderr=subprocess.PIPE
    )
    assert ended.returncode == 130
    assert b"ignored in" in ended.stderr.lower()
