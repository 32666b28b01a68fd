"""Is it gone? Evidence, extents and %_dd, against counts that are known."""

import errno
import os
import tempfile
from itertools import pairwise

import numpy as np
import pytest
from erasing import content, files_of, plant
from hypothesis import given
from hypothesis import strategies as st

import dan_bench.erase.eraser as eraser
import dan_bench.erase.evidence as evidence_module
from dan_bench.erase import (
    ErasureRefused,
    Evidence,
    FastNoise,
    Outcome,
    erase,
    plan_erasure,
)
from dan_bench.erase.copies import SealedCopy
from dan_bench.erase.filesystem import Extent, difference, moved_spans, union
from dan_bench.interfaces import Estimate
from dan_bench.metrics.destruction import disk_destruction, pooled_destruction, share_left
from dan_bench.statistics import binomial_interval


@pytest.fixture
def tree(tmp_path):
    return plant(tmp_path)


# evidence


def test_evidence_of_what_was_not_touched_says_that_all_is_left(tree):
    with Evidence.open([tree]) as evidence:
        for survey in evidence.survey():
            if survey.size:
                assert survey.destroyed.value == 0
                at_most = 100 * (1 - 0.025 ** (1 / survey.size)) * 256 / 255
                assert survey.destroyed.high == pytest.approx(at_most)
            else:
                assert survey.destroyed is None


def test_half_overwritten_is_half_destroyed(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content(1, 200_000))
    with Evidence.open([path]) as evidence:
        with path.open("r+b") as file:
            file.write(content(2, 100_000))
        (survey,) = evidence.survey()
    # an error of the coincidences, 5 deviations
    error = 5 * 100 * (100_000 / 256) ** 0.5 / 200_000
    if not survey.unverified:
        assert abs(survey.destroyed.value - 50) < error
    assert survey.destroyed.low < 50 < survey.destroyed.high


def rename_over(path):
    new = path.with_name("new")
    new.write_bytes(content(9, path.stat().st_size))
    os.replace(new, path)


def rewrite(path):
    size = path.stat().st_size
    path.write_bytes(content(9, size))


def link_in_place(path):
    path.rename(path.with_name("moved"))
    path.symlink_to("moved")


WAYS = {
    "unlink": (os.unlink, "gone"),
    "replace": (rename_over, "replaced"),
    "truncate and rewrite": (rewrite, "there"),
    "truncate": (lambda path: os.truncate(path, 0), "there"),
    "move away": (lambda path: path.rename(path.with_name("moved")), "gone"),
    "link": (link_in_place, "replaced"),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_only_looks_gone_is_not_destroyed(tmp_path, way):
    path = tmp_path / "file"
    path.write_bytes(content(1, 300_000))
    act, fate = WAYS[way]
    with Evidence.open([path]) as evidence:
        act(path)
        (survey,) = evidence.survey()
    assert survey.destroyed.value == 0
    assert survey.destroyed.low == 0
    assert survey.fate == fate
    if fate == "there":
        assert survey.unverified


def test_a_copy_put_at_the_path_counts_as_readable(tmp_path):
    """The handle shows noise, the path leads to the old bytes again."""
    path = tmp_path / "file"
    path.write_bytes(content(1, 50_000))
    (tmp_path / "copy").write_bytes(content(1, 50_000))
    with Evidence.open([path]) as evidence:
        erase(plan_erasure([path]), FastNoise())
        os.replace(tmp_path / "copy", path)
        (survey,) = evidence.survey()
    assert survey.fate == "replaced"
    assert survey.destroyed.high < 0.01


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_sample_agrees_with_the_whole(tmp_path, share):
    path = tmp_path / "large"
    size = 8 << 20
    path.write_bytes(content(1, size))
    kept = int(share * size)
    with Evidence.open([path], keep=1 << 20) as sampled, Evidence.open([path]) as whole:
        with path.open("r+b") as file:
            file.seek(kept)
            file.write(content(2, size - kept))
        (of_sample,), (of_whole,) = sampled.survey(), whole.survey()
    assert of_sample.compared == 1 << 20
    assert of_whole.compared == size
    if of_sample.unverified:
        pytest.skip(of_sample.unverified[0])
    width = of_sample.destroyed.high - of_sample.destroyed.low
    # places are drawn anew each time: a 95 % interval misses 1 in 20, one twice as wide 1 in 10,000
    apart = abs(of_sample.destroyed.value - of_whole.destroyed.value)
    assert apart <= width
    assert width > of_whole.destroyed.high - of_whole.destroyed.low
    assert width < 13  # 256 draws


def test_a_sample_is_of_data_only_and_of_every_part(tmp_path):
    spans = [(0, 10_000), (1 << 30, (1 << 30) + 5), (1 << 40, (1 << 40) + (1 << 20))]
    drawn = evidence_module._sample(spans, 64 << 12)
    assert len(drawn) == 64
    assert drawn == sorted(set(drawn))
    assert difference(drawn, spans) == []
    everything = evidence_module._sample(spans, 260 << 12)  # 3 + 1 + 256 blocks
    assert union(everything) == spans


def test_the_sealed_copy_gives_back_what_was_put_and_shows_nobody_else(tmp_path):
    copy = SealedCopy()
    pieces = [content(i, n) for i, n in enumerate((1, 5000, 100_000, 0, 7))]
    for piece in pieces:
        copy.put(piece)
    copy._file.seek(0)
    on_disk = copy._file.read()
    assert on_disk != b"".join(pieces)
    position = 0
    for piece in pieces:
        assert copy.get(position, len(piece)).tobytes() == piece
        assert len(piece) < 100 or piece not in on_disk
        position += len(piece)
    copy.close()


class Damaged:
    """A reader of a file of noise, which cannot read its bytes 8192 to 12288."""

    def read(self, n, start):
        if start < 12_288 and start + n > 8192:
            raise OSError(errno.EIO, "bad block")
        return content(1, 50_000)[start : start + n]


def test_blocks_that_cannot_be_read_again_are_lost_and_all_others_compared():
    old, lost = np.frombuffer(content(1, 50_000), np.uint8), []
    equal = evidence_module._equal(Damaged(), 0, old, lost)
    assert lost == [(8192, 12_288)]
    assert equal.sum() == 50_000 - 4096
    assert not equal[8192:12_288].any()
    assert evidence_module._equal(Damaged(), 20_000, old[20_000:], []).all()
    beyond = np.concatenate([old, old[:9]])
    assert not evidence_module._equal(Damaged(), 0, beyond, [])[50_000:].any()


def test_more_files_than_handles_are_refused_with_the_numbers(tree, monkeypatch):
    monkeypatch.setattr(evidence_module.resource, "getrlimit", lambda _: (66, 66))
    with pytest.raises(ValueError, match=r"7 files.*66"):
        Evidence.open([tree])


def test_evidence_and_journal_inside_what_is_erased_are_refused(tree, monkeypatch):
    before = files_of(tree)
    with pytest.raises(ErasureRefused, match="journal"):
        erase(plan_erasure([tree]), FastNoise(), journal=tree / "inner" / "journal")
    monkeypatch.setattr(eraser.tempfile, "gettempdir", lambda: str(tree / "inner"))
    with pytest.raises(ErasureRefused, match="temporary folder"):
        erase(plan_erasure([tree]), FastNoise())
    with pytest.raises(ErasureRefused, match="temporary folder"):
        Evidence.open([tree])
    assert files_of(tree) == before


def test_only_the_file_itself_is_taken_when_a_file_is_named(tree, monkeypatch):
    """Its folder may hold the journal, the evidence and whatever else."""
    folder, victim = tree / "inner", tree / "inner" / "of 70000"
    before = files_of(tree)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(folder))
    with Evidence.open([victim]) as evidence:
        report = erase(plan_erasure([victim]), FastNoise(), journal=folder / "journal")
        assert [survey.path for survey in evidence.survey()] == [str(victim)]
    assert report.outcome is Outcome.DONE
    assert {path for path, data in before.items() if path.read_bytes() != data} == {victim}
    with pytest.raises(ErasureRefused, match="journal"):
        erase(plan_erasure([victim]), FastNoise(), journal=victim)


# extents


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9))).map(
    lambda pairs: [(start, start + n) for start, n in pairs]
)


def bytes_of(spans):
    return {byte for start, end in spans for byte in range(start, end)}


@given(SPANS, SPANS)
def test_spans_are_sets_of_bytes(one, other):
    a, b = union(one), union(other)
    assert bytes_of(a) == bytes_of(one)
    assert all(first[1] < second[0] for first, second in pairwise(a))
    assert bytes_of(difference(a, b)) == bytes_of(a) - bytes_of(b)


BLOCKS = st.lists(st.integers(0, 12), max_size=12)


@given(BLOCKS, BLOCKS)
def test_moved_bytes_are_those_whose_block_is_another_one(before, after):
    """Files of one-byte blocks; 0 is a hole."""

    def mapped(blocks):
        return [Extent(i, block, 1, 0) for i, block in enumerate(blocks) if block]

    data = [(i, i + 1) for i, block in enumerate(before) if block]
    wanted = {
        i for i, block in enumerate(before) if block and (i >= len(after) or after[i] != block)
    }
    assert bytes_of(moved_spans(mapped(before), mapped(after), union(data))) == wanted


# %_dd


@pytest.mark.parametrize(
    ("same", "doubt", "value", "high"),
    [(0, 0, 100, 100), (256, 0, 0, 0), (1, 0, 100, 100), (1, 255, 0, 100), (0, 256, 0, 100)],
)
def test_destruction_of_known_counts(same, doubt, value, high):
    found = disk_destruction(same, doubt, 256)
    assert found.value == pytest.approx(value)
    assert found.details["seen"] == pytest.approx(100 - 100 * share_left(same, 256))
    assert found.high >= high - 1.5
    assert found.low <= found.value <= found.high


@given(
    n=st.integers(1, 10**7), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)), draws=st.booleans()
)
def test_doubt_never_raises_the_value(n, shares, draws):
    same = int(shares[0] * n)
    doubt = int(shares[1] * (n - same))
    found = disk_destruction(same, doubt, n, 100 if draws else None)
    assert 0 <= found.low <= found.value <= found.high <= 100
    assert found.value <= disk_destruction(same, 0, n).value


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """A third is left, the rest is noise: 400 files of 3000 bytes."""
    rng = np.random.default_rng(4)
    same = 1000 + rng.binomial(2000, 1 / 256, 400)
    found = [disk_destruction(int(s), 0, 3000) for s in same]
    held = sum(e.low <= 200 / 3 <= e.high for e in found)
    assert held >= 380
    perfect = [disk_destruction(int(s), 0, 3000) for s in rng.binomial(3000, 1 / 256, 400)]
    assert sum(e.high == 100 for e in perfect) >= 380 - 4 * 5  # four deviations below 95 %


def test_the_interval_of_a_sample_of_blocks_holds_the_truth():
    """A tenth of the blocks is left as a whole: the bytes of a block are no independent draws."""
    rng = np.random.default_rng(5)
    blocks = rng.binomial(200, 0.1, 400)
    found = [
        disk_destruction(int(b) * 4096 + (200 - int(b)) * 16, 0, 200 * 4096, 200) for b in blocks
    ]
    assert sum(e.low <= 90 <= e.high for e in found) >= 375
    naive = [disk_destruction(int(b) * 4096 + (200 - int(b)) * 16, 0, 200 * 4096) for b in blocks]
    assert sum(e.low <= 90 <= e.high for e in naive) < 200


def test_files_are_pooled_by_their_size():
    parts = [(Estimate(100, 90, 100), 300), (Estimate(0, 0, 50), 100), (None, 0)]
    pooled = pooled_destruction(parts)
    assert (pooled.value, pooled.low, pooled.high, pooled.n) == (75, 67.5, 87.5, 400)
    doubtful = pooled_destruction([*parts, (None, 400)])
    assert (doubtful.value, doubtful.high) == (37.5, 93.75)
    with pytest.raises(ValueError, match="empty"):
        pooled_destruction([(None, 0)])


def test_more_bytes_than_there_were_are_refused():
    with pytest.raises(ValueError, match="more than 10"):
        disk_destruction(6, 5, 10)
    assert binomial_interval(1, 2).value == 0.5
