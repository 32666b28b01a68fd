"""Every command of README.md and docs/ is executed, every link resolves, every name is there.

Commands run in a folder that looks like a checkout after a small sweep. They are run as they stand,
but for these rules:

- `RUN` and `DATE_COMMIT` are keys of runs and the name of a published folder that are there;
- `python -m dan_bench.train` gets as little to do as leaves every part of it something to do
  (`cut`): a few steps, a thousand rows, an epoch for each attacker, and not the two slow metrics.
  Of a sweep one seed is run, and of an axis of numbers the first. The quick tests compose and plan
  every one of these lines, in each value of each axis, and carry none out; the slow ones carry
  all of them out;
- the tour and Table 1 get fewer steps, and subjects that are done in seconds;
- a line in `NOT_RUN` is not run; what is run instead stands beside it.

A block whose first line names a file of one's own is that file: all of them are written into a
folder outside of the repository, where the commands of each section are then run. Records of
experiments that take too long are made by hand (`html_records`); those of the runs that commands
name are real.
"""

import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from docs_blocks import (
    LANGUAGES,
    PAGES,
    REPOSITORY,
    SHELLS,
    Block,
    Command,
    anchors,
    commands,
    links,
    page,
    spans,
)
from docs_checkout import (
    CUT,
    MAY_SAY_NO,
    NOT_RUN,
    REPORT,
    SLOW,
    TINY,
    TRAIN,
    Checkout,
    axis,
    by_hand,
    cut,
    dumps,
    furnish,
    instead_of,
    is_slow,
    names_of_conf,
    pictures,
    plant,
    reference,
    told,
)
from omegaconf import OmegaConf

from dan_bench.config.compose import configure
from dan_bench.config.schema import CONF
from dan_bench.data.mnist import Mnist
from dan_bench.models.networks import parameters_of
from dan_bench.pipeline.plan import plan
from dan_bench.results.archive import publish
from dan_bench.results.record import Store


def normal(text: str) -> str:
    """A command as it is with the environment at hand."""
    return text.replace(".venv/bin/", "")


BLOCKS = [block for path in PAGES for block in page(path).blocks]
OWN = {(b.page, b.section) for b in BLOCKS if b.file is not None}
"""Sections that bring files of their own."""
BROUGHT = {f"{Path(b.file).parent.name}={Path(b.file).stem}" for b in BLOCKS if b.file is not None}
"""Choices that those files make."""
FREE = [block for block in BLOCKS if (block.page, block.section) not in OWN]
COMMANDS = [
    replace(command, text=normal(command.text))
    for block in FREE
    if block.language in SHELLS
    for command in commands(block)
]
UNIQUE = [c for i, c in enumerate(COMMANDS) if c.text not in [d.text for d in COMMANDS[:i]]]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory, mnist: Mnist) -> Checkout:
    """A checkout after a small sweep: real runs, and records of experiments made by hand."""
    folder = tmp_path_factory.mktemp("checkout")
    furnish(folder)
    results = folder / "results"
    (folder / "home").mkdir()
    (folder / "tiny").mkdir()
    (folder / "tiny" / "rm.yaml").write_text(TINY)
    dumps(folder)
    plant(folder)
    line = f"{TRAIN} -m model=dan,python_random data=mnist output=torus seed=0"
    bare = Checkout(folder, (), "")
    ended = bare.shell(cut(line))
    assert ended.returncode == 0, ended.stderr
    keys = sorted(record.key for record in Store(results).all()[0])
    assert len(keys) == 2
    by_hand(results)
    reference(results)
    name = "2026-01-01_c0ffee0"
    publish(results, results / name)
    checkout = Checkout(folder, tuple(keys), name)
    told(checkout, f"{REPORT} export metrics.parquet")
    return checkout


def marked(found: list[Command]) -> list[object]:
    """Parameters with their places as ids; slow ones are marked."""
    return [
        pytest.param(c, id=c.place, marks=[pytest.mark.slow] if is_slow(c) else []) for c in found
    ]


@pytest.mark.parametrize("command", marked(UNIQUE))
def test_a_command_does_what_it_says(command: Command, checkout: Checkout) -> None:
    text = instead_of(command.text) or command.text
    if text.startswith(REPORT) and not text.startswith(SLOW) and not set(text) & set("|>$;"):
        told(checkout, text)
        return
    if text.startswith(TRAIN):
        if "pictures" in text:
            pictures(checkout.folder)
        text = cut(text)
    elif text.startswith("python -m dan_bench.tour"):
        text += " --steps 4"
    elif text.startswith("python -m dan_bench.table1"):
        text += " --preset tiny"
    elif text.startswith("python -m dan_bench.degenerate"):
        plant(checkout.folder)
    ended = checkout.shell(checkout.filled(text))
    allowed = (0, 1) if text.startswith(MAY_SAY_NO) else (0,)
    if "dan_bench.degenerate" in text:  # 3: done, but with a leaky network, or on such a disk
        allowed = (0, 3, 4)
    assert ended.returncode in allowed, f"{text}\n{ended.stdout[-2000:]}\n{ended.stderr[-4000:]}"
    assert "Traceback" not in ended.stderr


INLINE = {
    text: f"{path.name}: {text}"
    for path in PAGES
    for text in map(normal, spans(path))
    if re.match(r"python -m dan_bench\.[a-z]", text) and "..." not in text
}
TRAINS = {
    text: place
    for text, place in {**{c.text: c.place for c in UNIQUE}, **INLINE}.items()
    if text.startswith(TRAIN) and " --" not in text and "logger.offline=false" not in text
    if not set(text.split()) & BROUGHT
}


@pytest.mark.parametrize("text", [pytest.param(text, id=place) for text, place in TRAINS.items()])
def test_a_training_command_is_accepted_in_every_value_that_it_names(
    text: str, tmp_path: Path
) -> None:
    words = [word for word in shlex.split(text.partition(" > ")[0])[3:] if not word.startswith("-")]
    words = [word.replace("$HOME", str(tmp_path)) for word in words]
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "one.pgm").write_bytes(b"P5 28 28 255\n" + bytes(784))
    for i in range(max((word.count(",") + 1 for word in words), default=1)):
        plan(configure([*(axis(word, i) for word in words), "logger=none"]))


@pytest.mark.parametrize(
    "text",
    [pytest.param(text, id=place) for text, place in INLINE.items() if TRAIN not in text],
)
def test_a_command_in_a_sentence_has_the_flags_that_it_names(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = shlex.split(text)[2:]
    module, *rest = words
    subcommand = [word for word in rest[:1] if re.fullmatch(r"[a-z]\w*", word)]
    if module in ("dan_bench.models.compatibility",):
        return  # takes nothing; what it prints is compared with README in test_variants
    found = import_module(module)
    main = getattr(found, "main", None) or import_module(f"{module}.__main__").main
    with pytest.raises(SystemExit) as ended:
        main([*subcommand, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert [flag for flag in rest if flag.startswith("-") and flag not in said] == []


# files of one's own


def sections() -> list[tuple[Path, str]]:
    return sorted(OWN)


def blocks_of(section: tuple[Path, str]) -> list[Block]:
    return [b for b in BLOCKS if (b.page, b.section) == section]


def files_of(found: list[tuple[Path, str]]) -> list[Block]:
    return [b for section in found for b in blocks_of(section) if b.file is not None]


@pytest.fixture
def elsewhere(tmp_path: Path, checkout: Checkout) -> Checkout:
    """A folder outside of the repository, with the checkout's results."""
    furnish(tmp_path)
    (tmp_path / "pyproject.toml").unlink()  # a link to ours
    (tmp_path / "home").mkdir()
    left = shutil.ignore_patterns("wandb", "weights.pt")
    shutil.copytree(checkout.folder / "results", tmp_path / "results", ignore=left)
    return replace(checkout, folder=tmp_path)


def write(files: list[Block], folder: Path) -> list[str]:
    """Write blocks that are files; return the choices that they add to conf/, as overrides."""
    new = []
    for block in files:
        assert block.file is not None, block.place
        path = folder / block.file
        assert not path.exists(), f"{block.place}: {block.file} is there already"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
        if path.suffix == ".yaml":
            new.append(f"{path.parent.name}={path.stem}")
    return new


PLANNED = """
import sys
from dan_bench.pipeline.plan import plan
from dan_bench.config.compose import configure
for choice in sys.argv[1:]:
    plan(configure(["hydra.searchpath=[file://mine/conf]", choice]))
"""


def test_all_that_one_adds_is_accepted_together(elsewhere: Checkout) -> None:
    assert len(sections()) == 9
    of_package = [
        b for s in sections() if s[1] == PACKAGE for b in blocks_of(s) if b.language in SHELLS
    ]
    assert [c.text for b in of_package for c in commands(b)] == ["pip install -e ."]
    files = files_of(sections())
    new = write(files, elsewhere.folder)
    assert len(new) == 6
    ended = subprocess.run(
        [sys.executable, "-c", PLANNED, *new],
        cwd=elsewhere.folder,
        env=elsewhere.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    for name in (block.file for block in files if block.file and block.language == "python"):
        assert compile((elsewhere.folder / name).read_text(), name, "exec")


INSTALL = "python -m pip install --quiet --no-deps --no-build-isolation --target site ."
"""What is run instead of `pip install -e .`, which would change the environment of the tests."""
PACKAGE = "Your package"
"""Section whose only command is the installation, which comes before those of all others."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "section", [s for s in sections() if s[1] != PACKAGE], ids=lambda s: f"{s[0].name}: {s[1]}"
)
def test_what_one_adds_does_what_it_says(section: tuple[Path, str], elsewhere: Checkout) -> None:
    write(files_of(sections()), elsewhere.folder)
    lines = [c.text for b in blocks_of(section) if b.language in SHELLS for c in commands(b)]
    for line in [INSTALL, *lines]:
        text = normal(line)
        if text.startswith(TRAIN):
            text = f"{text} {CUT}"
        ended = elsewhere.shell(f"export PYTHONPATH=site:$PYTHONPATH; {text}")
        assert ended.returncode == 0, f"{text}\n{ended.stdout[-2000:]}{ended.stderr[-4000:]}"
        said = ended.stdout + ended.stderr
    words = [Path(b.file).stem for b in files_of([section])]
    assert any(word in said for word in words), said


# the rest of the blocks


@pytest.mark.parametrize(
    "block", [pytest.param(b, id=b.place) for b in FREE if b.language == "python"]
)
def test_python_that_is_no_file_runs_where_the_results_are(
    block: Block, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout.folder)
    exec(compile(block.text, block.place, "exec"), {"__name__": "docs"})


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {b.place: b.language for b in BLOCKS if b.language not in LANGUAGES} == {}
    assert [b.place for b in FREE if b.language == "yaml" and not OmegaConf.create(b.text)] == []
    assert len(COMMANDS) > 50
    lost = [b.place for b in BLOCKS if b.language in SHELLS and not commands(b)]
    assert lost == []  # a console without a prompt holds nothing to execute


def test_nothing_is_excused_that_no_page_has() -> None:
    texts = [command.text for command in COMMANDS]
    unused = [p for p, _, _ in NOT_RUN if not any(re.fullmatch(p, text) for text in texts)]
    assert unused == []


# links and names


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_links_anchors_and_images_are_there(path: Path) -> None:
    dead = []
    for link in links(path):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_options_and_files_in_backticks_are_there(path: Path) -> None:
    names = names_of_conf()
    missing = []
    for span in spans(path):
        option = re.fullmatch(r"\+?([a-z_][a-z_0-9.]*)=(\S+)", span)
        if option:
            name, values = option.groups()
            if name not in names:
                missing.append(span)
            if (CONF / name).is_dir() and values.islower():
                missing += [
                    f"{name}={v}"
                    for v in re.split(r"[,|]", values)
                    if not (CONF / name / f"{v}.yaml").is_file()
                ]
        file = re.fullmatch(r"(?!results/)[a-z_0-9/]+\.(py|yaml|toml|md)", span)
        folder = re.fullmatch(r"(conf|dan_bench|docs|tests|benchmarks)/[a-z_0-9/]*", span)
        homes = (REPOSITORY, REPOSITORY / "dan_bench")
        if (file or folder) and not any((home / span).exists() for home in homes):
            missing.append(span)
    assert missing == []


@pytest.mark.parametrize("model", ["gan", "dan", "infodan", "dcdan", "entropydan"])
@pytest.mark.parametrize("output", ["sigmoid", "torus"])
def test_the_parameters_in_models_are_those_of_conf(model: str, output: str, mnist: Mnist) -> None:
    rows = page(REPOSITORY / "docs" / "models.md").prose
    said = [cell.strip() for cell in re.search(rf"\| `{model}` \|(.*)\|", rows)[1].split("|")]
    counts = [int(number.replace(",", "")) for number in re.findall(r"[\d,]{5,}", " ".join(said))]
    if (model, output) == ("gan", "torus"):
        assert "refused" in said
        return
    overrides = [f"model={model}", f"output={output}", "data=mnist", "logger=none"]
    made = plan(configure([*overrides, f"runtime.datasets={mnist.root}"])).method.make()
    assert parameters_of(made.degenerator) == counts[0]
    assert parameters_of(made.discriminator) == counts[1 + (output == "torus")]
    if model == "infodan":
        assert parameters_of(made.recogniser) == counts[3 + (output == "torus")]


def test_make_targets_in_backticks_are_there() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (REPOSITORY / "Makefile").read_text()))
    asked = {w for path in PAGES for w in re.findall(r"`make ([a-z-]+)", page(path).prose)}
    asked |= {c.text.split()[1] for c in COMMANDS if c.text.startswith("make ")}
    assert asked
    assert asked - targets == set()


@pytest.mark.parametrize(
    "module",
    ["train", "report", "assess", "degenerate", "table1", "tour", "dashboard", "reference"],
)
def test_main_entry_points_are_commands(module: str, checkout: Checkout) -> None:
    ended = checkout.shell(f".venv/bin/python -m dan_bench.{module} --help")
    assert ended.returncode == 0, ended.stderr
    assert "python -m dan_bench" in ended.stdout
