"""Many seeds of one config in one process: trained as one, and each a run of its own.

Every run is carried out by `run` as it is alone, in a thread of its own, and one thread works at a
time. Where it comes to its training it waits for the others; then all of them are trained as one,
and one after the other goes on with what it has been given: its curves, its weights, its sample,
its measurements, its record. What ends one of them ends no other.
"""

import copy
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from queue import SimpleQueue
from threading import Event, Thread

import pytorch_lightning as pl
import torch

from dan_bench.callbacks.checkpoint import SNAPSHOTS, Checkpoint, Suspended
from dan_bench.config.schema import RunConfig
from dan_bench.data.batches import BatchStacks
from dan_bench.interfaces import Progress, ProgressCallback, RunRecord
from dan_bench.models.pack import Pack, Seed, pack
from dan_bench.pipeline.fit import (
    CARRY_OUT,
    Effort,
    PlannedTraining,
    by_itself,
    fit,
    tell_again,
)
from dan_bench.pipeline.run import run
from dan_bench.results.claim import ClaimLost


class Member:
    """One of the runs, and its thread.

    Args:
        config: of the run.
        group: name of the sweep, for the loggers.
        progress: told how far it is.
        arrived: is given the member when it has come to its training, and when it is over.
    """

    def __init__(
        self,
        config: RunConfig,
        group: str,
        progress: ProgressCallback,
        arrived: "SimpleQueue[Member]",
    ) -> None:
        self.progress = progress
        self.training: PlannedTraining | None = None
        """What it waits for the end of."""
        self.effort: Effort | None = None
        self.error: BaseException | None = None
        """Why its training failed, or why it left no record."""
        self.record: RunRecord | None = None
        self._arguments = config, group, progress
        self._arrived, self._go_on, self._met = arrived, Event(), False
        self._thread = Thread(target=self._work, name=f"seed {config.seed}", daemon=True)

    def start(self) -> None:
        """Work until it waits for its training, or is over."""
        self._thread.start()
        self._arrived.get()

    def finish(self) -> None:
        """Work from the end of its training to its own end."""
        if self.training is not None:
            self.training = None
            self._go_on.set()
            self._arrived.get()

    def _work(self) -> None:
        CARRY_OUT.set(self._meet)
        try:
            self.record = run(*self._arguments)
        except BaseException as error:
            self.error = error
        self._arrived.put(self)

    def _meet(self, training: PlannedTraining) -> Effort:
        """Wait until it has been trained together with the others; a second time, train alone."""
        if self._met:
            return by_itself(training)
        self._met = True
        start, self.training = time.perf_counter(), training
        self._arrived.put(self)
        self._go_on.wait()
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        waited = time.perf_counter() - start
        if self.effort is None:
            alone = by_itself(training)
            return replace(alone, waited=waited)
        return replace(self.effort, waited=waited - self.effort.seconds)


def run_many(
    configs: Mapping[str, RunConfig], group: str, progress: Mapping[str, ProgressCallback]
) -> dict[str, RunRecord]:
    """Carry out runs that differ in their seed alone; what was done before is not done again.

    Args:
        configs: of the runs, by key; those of one of the lists that `sweep.seeds.alike` returns.
        group: name of the sweep, for the loggers.
        progress: by key, told how far each run is.

    Returns:
        The records by key.

    Raises:
        Suspended: training was asked to stop; each run goes on from its checkpoint.
        InputError: of the first run that was refused, when the others are done.
    """
    arrived: SimpleQueue[Member] = SimpleQueue()
    # in an order that all processes agree on: each holds what it has claimed and waits for the next
    members = {key: Member(configs[key], group, progress[key], arrived) for key in sorted(configs)}
    for member in members.values():
        member.start()
    torch.set_num_threads(next(iter(configs.values())).runtime.threads)
    try:
        train_together([member for member in members.values() if member.training is not None])
    finally:
        suspended: BaseException | None = None
        for member in members.values():
            if suspended and member.training is not None and member.effort is None:
                member.error = suspended  # it would train alone, when there is no time left
            member.finish()
            if isinstance(member.error, Suspended):
                suspended = member.error
    for member in members.values():
        if member.error is not None:
            raise member.error
    return {key: member.record for key, member in members.items() if member.record is not None}


def train_together(members: Sequence[Member]) -> None:
    """Train those at the same step as one; who is alone at his trains himself when he goes on."""
    at_step: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        assert member.training is not None
        checkpoint = member.training.checkpoint
        at_step[checkpoint.step() if checkpoint is not None else 0].append(member)
    for step, equal in at_step.items():
        if len(equal) > 1:
            try:
                train_as_one(equal, step)
            except Exception as error:
                for member in equal:
                    member.error = error
            except BaseException as error:
                for member in members:
                    if member.effort is None:
                        member.error = error
                raise


def train_as_one(members: Sequence[Member], step: int) -> None:
    """Train them from a step on; each is left with its effort, or with its error.

    A model that cannot be computed for many at once, which shows at the first step, is left as it
    was, to be trained by itself.
    """
    trainings = [member.training for member in members if member.training is not None]
    seeds = [seed_of(training, step) for training in trainings]
    before = [copy.deepcopy(seed.module.state_dict()) for seed in seeds]
    whole = pack(seeds)

    def on_step(now: int) -> None:
        for place, seed in whole.living():
            try:
                with seed.alone():
                    trainings[place].on_step(now)
            except ClaimLost as lost:
                seed.error = lost

    first, start = trainings[0], time.perf_counter()
    checkpoints = [t.checkpoint for t in trainings if t.checkpoint is not None]
    failure = None
    try:
        fit(
            whole,
            BatchStacks([training.batches for training in trainings]),
            accelerator=first.accelerator,
            precision=first.precision,
            on_step=on_step,
            checkpoint=PackCheckpoint(whole, checkpoints, step),
        )
    except Exception as error:
        failure = error
    whole.part()
    if failure is not None and whole.step == step and next(whole.living(), None) is not None:
        for seed, weights, member in zip(seeds, before, members, strict=True):
            seed.module.load_state_dict(weights)
            reason = f"{type(failure).__name__}: {failure}".split("\n")[0]
            warning = f"not trained together with other seeds, but alone: {reason}"
            member.progress(Progress("training", warning=warning))
        return
    seconds = (time.perf_counter() - start) / len(seeds)
    effort = Effort(seconds, together=len(seeds))
    for seed, member in zip(seeds, members, strict=True):
        seed.module.float()
        member.effort, member.error = effort, seed.error or failure


def seed_of(training: PlannedTraining, step: int) -> Seed:
    """Return a run at the step that it goes on from, in the state of its checkpoint."""
    module, checkpoint = training.module, training.checkpoint
    if not step or checkpoint is None:
        return Seed(module, training.sink)
    saved = checkpoint.read()
    module.on_load_checkpoint(saved)
    module.load_state_dict(saved["state_dict"])
    if checkpoint.snapshots is not None and SNAPSHOTS in saved:
        checkpoint.snapshots.restore(saved[SNAPSHOTS])
    tell_again(training.sink, module)
    return Seed(module, training.sink, saved["optimizer_states"])


class PackCheckpoint(Checkpoint):
    """The checkpoints of many runs, from each of which its run can go on, alone or not.

    Args:
        whole: the runs.
        each: theirs.
        step: that they go on from.
    """

    def __init__(self, whole: Pack, each: Sequence[Checkpoint], step: int) -> None:
        super().__init__(each[0].path, each[0].run, each[0].every)
        self._whole, self._each, self._step = whole, each, step

    def step(self) -> int:
        """Return the step to resume from."""
        return self._step

    def save(self, trainer: pl.Trainer) -> None:
        """Write all of them; a run whose own cannot be written fails."""
        suspended: Suspended | None = None
        for place, seed in self._whole.living():
            mine = self._each[place]
            self.run, self.snapshots, self._whole.saving = mine.run, mine.snapshots, place
            try:
                with seed.alone():
                    mine.save(trainer)
            except Suspended as asked:
                suspended = asked
        self._since = time.monotonic()
        if suspended is not None:
            raise suspended
