"""A journal is believed only if nobody else can have written it, and if it is whole."""

import json
import os
import random
import zlib

import pytest
from erasing import content, files_of, finished, plant

from dan_bench.erase import ErasureRefused, FastNoise, Outcome, erase, pending, plan_erasure
from dan_bench.erase.records import KIND


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


@pytest.fixture
def state(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def lines_of(contents):
    """A journal of these lines, with the check sums that it would have."""
    check, text = 0, b""
    for line in contents:
        line = json.dumps(line).encode() + b"\n"
        check = zlib.crc32(line, check)
        text += b"%08x " % check + line
    return text


def contents_of(journal):
    return [json.loads(line[9:]) for line in journal.read_bytes().splitlines()]


def refused(tree, journal, match):
    before = files_of(tree)
    for ask in (
        lambda: erase(plan_erasure([tree]), FastNoise(), journal=journal),
        lambda: pending(journal, [tree]),
    ):
        with pytest.raises(ErasureRefused, match=match):
            ask()
    assert files_of(tree) == before


def test_a_journal_has_nothing_that_a_small_original_is_had_back_from(tree, state):
    (tree / "pin").write_bytes(b"4711")
    erase(plan_erasure([tree]), FastNoise(), journal=state / "journal", evidence=False)
    assert b"digest" not in (state / "journal").read_bytes()
    begun = [line["f"] for line in contents_of(state / "journal") if line.get("e") == "begun"]
    assert {values[-1] for rows in begun for values in rows} == {None}


# who may have written it


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_folder_that_others_may_write_to_is_refused(tree, state, mode):
    journal = state / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    state.chmod(mode)
    refused(tree, journal, "written by others.*folder of your own")
    state.chmod(mode | 0o1000)  # sticky, as /tmp is: others cannot replace what is ours
    assert finished(pending(journal, [tree]))


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o602])
def test_a_journal_that_is_not_private_is_refused(tree, state, mode):
    journal = state / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    journal.chmod(mode)
    refused(tree, journal, "not yours alone")


@pytest.mark.skipif(os.geteuid() != 0, reason="root gives files away")
def test_a_journal_of_another_user_is_refused(tree, state):
    journal = state / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    os.chown(journal, 65534, 65534)
    refused(tree, journal, "not yours alone")
    os.chown(journal, 0, 0)
    os.chown(state, 65534, 65534)
    refused(tree, journal, "written by others")


def test_a_journal_of_two_names_or_behind_a_link_is_refused(tree, state):
    journal = state / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    os.link(journal, state / "other")
    refused(tree, journal, "2 names")
    (state / "other").unlink()
    (state / "link").symlink_to(journal)
    before = files_of(tree)
    with pytest.raises(OSError, match="link"):
        erase(plan_erasure([tree]), FastNoise(), journal=state / "link")
    assert files_of(tree) == before


# what is in it


def test_no_bit_can_be_changed(tree, state):
    journal = state / "journal"
    erase(plan_erasure([tree / "inner"]), FastNoise(), journal=journal)
    whole = journal.read_bytes()
    rng = random.Random(1)
    before = files_of(tree)
    last = whole.rfind(b"\n", 0, -1) + 1  # a last line without its end counts as not written
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(damaged) - 1)] ^= 1 << rng.randrange(8)
        journal.write_bytes(damaged)
        with pytest.raises(ErasureRefused, match="journal"):
            pending(journal, [tree / "inner"])
    for _ in range(100):
        journal.write_bytes(whole[: rng.randrange(last)])
        try:
            found = pending(journal, [tree / "inner"])
        except ErasureRefused:  # cut in its very first words
            continue
        assert found is None or len(found.done) <= found.planned
    assert files_of(tree) == before


def test_lines_cannot_be_left_out_doubled_or_put_elsewhere(tree, state):
    journal = state / "journal"
    erase(plan_erasure([tree / "inner"]), FastNoise(), journal=journal)
    lines = journal.read_bytes().splitlines(keepends=True)
    for changed in (
        lines[:2] + lines[3:],
        lines[:3] + lines[2:],
        [lines[0], *reversed(lines[1:])],
        lines[1:],
    ):
        journal.write_bytes(b"".join(changed))
        refused(tree / "inner", journal, "damaged")


HOSTILE = (
    None, 1, -1, 1.5, 1e999, "x", "", [], {}, [1], True, "/etc/passwd", "../up", "\0", 1 << 70,
    {"_target_": "os.system", "command": "touch /tmp/run"}, [[[[]]]], "\ud800",
)  # fmt: skip


def put(value, path, new):
    """A copy of nested lists and objects with one value replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def places(value, path=()):
    """All places in nested lists and objects."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in inner:
        yield (*path, key)
        if isinstance(below, dict | list):
            yield from places(below, (*path, key))


def test_values_of_other_types_are_refused_or_harmless(tree, state):
    """With good check sums: as a hostile owner would write it. Nothing but results is had."""
    journal = state / "journal"
    small = tree / "inner"
    erase(plan_erasure([small]), FastNoise(), journal=journal)
    good = contents_of(journal)
    rng = random.Random(2)
    before = files_of(tree)
    where = list(places(good))
    outcomes = {"refused": 0, "read": 0}
    for _ in range(2000):
        changed = put(good, rng.choice(where), rng.choice(HOSTILE))
        journal.write_bytes(lines_of(line for line in changed))
        try:
            found = pending(journal, [small])
        except ErasureRefused:
            outcomes["refused"] += 1
            continue
        outcomes["read"] += 1
        for result in [done.result for done in found.done.values()] if found else []:
            assert isinstance(result.path, str)
            assert result.status in ("overwritten", "partly", "failed")
            assert isinstance(result.size, int)
            assert result.survey is None or result.survey.fate == "there"
            assert isinstance(result.removed, bool)
    assert outcomes["refused"] > 1000
    assert files_of(tree) == before


def test_a_survey_is_refused_without_its_doubts(tree, state):
    journal = state / "journal"
    erase(plan_erasure([tree]), FastNoise(), journal=journal)
    good = contents_of(journal)
    surveys = [row[-1] for line in good if line.get("e") == "done" for row in line["f"]]
    del next(of for of in surveys if "survey" in of)["doubts"]
    journal.write_bytes(lines_of(good))
    refused(tree, journal, "a survey without its doubts")


@pytest.mark.parametrize(
    "text",
    [
        b"\x00" * 5000,
        b"[" * 100_000 + b"\n",
        lines_of([{"kind": KIND, "roots": "/", "options": {}}]),
        lines_of([{"kind": KIND.replace("2", "1"), "roots": [], "options": {}}]),
        lines_of([{"kind": KIND, "roots": [], "options": {}}, {"e": "done"}]),
        lines_of(
            [{"kind": KIND, "roots": [], "options": {}}, {"e": "run", "t": 1, "f": [["/a", 1]]}]
        ),
    ],
)
def test_a_hostile_file_is_refused(tree, state, text):
    (state / "journal").write_bytes(text)
    (state / "journal").chmod(0o600)
    refused(tree, state / "journal", "journal|another erasure")


def test_a_journal_claims_nothing_of_a_file_that_was_written_to_since(tree, state):
    """It says `done` with the time of the last change; another file's line is no use."""
    journal = state / "journal"
    victim = tree / "inner" / "of 70000"
    erase(plan_erasure([victim]), FastNoise(), journal=journal)
    victim.write_bytes(content(5, 70_000))
    (result,) = erase(plan_erasure([victim]), FastNoise(), journal=journal).files
    assert not result.earlier
    assert victim.read_bytes() != content(5, 70_000)


def test_each_file_tells_by_which_generator_it_was_overwritten(tree, state):
    class Other(FastNoise):
        name = "another generator"

    journal = state / "journal"
    child = os.fork()
    if child == 0:
        import dan_bench.erase.eraser as eraser

        eraser._Erasure._overwrite = lambda *_: os._exit(9)  # the large file is never begun
        erase(plan_erasure([tree]), FastNoise(), journal=journal)
        os._exit(0)
    os.waitpid(child, 0)
    report = erase(plan_erasure([tree]), Other(), journal=journal)
    names = {result.noise for result in report.files if result.size <= 1 << 20}
    assert names >= {FastNoise.name}
    (large,) = [result for result in report.files if result.size > 1 << 20]
    assert large.noise == "another generator"
    assert [attempt.noise for attempt in report.attempts] == [FastNoise.name, "another generator"]
    assert report.attempts[0].ended <= report.attempts[1].began <= report.attempts[1].ended


def test_a_root_that_is_gone_before_all_was_overwritten_is_no_success(tree, state):
    """A disk that was pulled out: nothing of it is listed any more."""
    journal = state / "journal"
    plan = plan_erasure([tree])
    (tree / "inner" / "of 70000").rename(tree.parent / "kept")
    (tree / "inner" / "of 70000").mkdir()
    child = os.fork()
    if child == 0:
        import dan_bench.erase.eraser as eraser

        eraser._Erasure._overwrite = lambda *_: os._exit(9)
        erase(plan, FastNoise(), journal=journal)
        os._exit(0)
    os.waitpid(child, 0)
    tree.rename(tree.parent / "pulled out")
    assert not finished(pending(journal, [tree]))
    report = erase(plan_erasure([tree], may_be_gone=True), FastNoise(), journal=journal)
    assert report.outcome is not Outcome.DONE
    (lost,) = [result for result in report.files if result.path == str(tree)]
    assert "never overwritten" in lost.error
