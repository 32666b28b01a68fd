"""Many seeds of one model trained as one: each number of the networks is one a seed, in a stack.

PureJaxRL's idea (Lu et al. 2022): what a step computes is a function of weights and batch, which
`torch.func` maps over a stack of both. Adam and its kin treat each number by itself, so that their
step on a stack is that of each run. No run sees another: what one of them does, not being a number
included, changes nothing in the others.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import torch
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer

from dan_bench.data.batches import Batch
from dan_bench.models.module import AdversarialModule
from dan_bench.models.setting import REMEDY


@dataclass(eq=False)
class Seed:
    """One of the runs that are trained together.

    Args:
        module: its networks; what they learn is in them at every step.
        logger: of its curves.
        optimizer_states: of its optimisers, from a checkpoint; none where it begins.
    """

    module: AdversarialModule
    logger: Logger | None = None
    optimizer_states: Sequence[dict[str, Any]] = ()
    error: BaseException | None = field(default=None, init=False)
    """Why it ended before the others."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let what goes wrong inside end this run, and none of the others."""
        try:
            yield
        except Exception as error:
            self.error = error


class Called(nn.Module):
    """A module of which `functional_call` calls any function, not `forward` alone."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        """Return function(*arguments)."""
        return function(*arguments)


class Pack(AdversarialModule):
    """What an `AdversarialModule` needs to be many: a class to inherit from before the model's.

    Made by `pack`. Its parameters and buffers are stacks, S x their shape, and those of the modules
    are views of them: who measures a seed, or keeps it, is given that seed's module.
    """

    seeds: Sequence[Seed]
    saving: int
    """Place of the seed of which a checkpoint is written."""
    measured: dict[int, dict[str, float]]
    """Gradients that wait for the report, by the place of their seed."""

    def living(self) -> Iterator[tuple[int, Seed]]:
        """Yield the seeds that have not failed, with their places in the stack."""
        return ((place, seed) for place, seed in enumerate(self.seeds) if seed.error is None)

    def share_memory(self) -> None:
        """Make each module's weights views of the stacks, wherever those have been moved."""
        for place, seed in enumerate(self.seeds):
            seed.module.to(self.device, self.dtype)
            own = states_of(seed.module)
            for name, stack in states_of(self).items():
                own[name].data = stack.data[place]
            if self.ema is not None and seed.module.ema is not None:
                seed.module.ema.n_averaged = self.ema.n_averaged

    def part(self) -> None:
        """Give each module weights of its own, so that it can go its own way."""
        self.share_memory()
        for seed in self.seeds:
            for state in states_of(seed.module).values():
                state.data = state.data.clone()
            if seed.module.ema is not None:
                seed.module.ema.n_averaged = seed.module.ema.n_averaged.clone()

    def configure_optimizers(self) -> list[Optimizer]:
        """The model's, on stacks, in the states that the seeds bring with them."""
        optimizers = super().configure_optimizers()
        states = zip(*(seed.optimizer_states for seed in self.seeds), strict=True)
        for optimizer, of_seeds in zip(optimizers, states, strict=False):
            optimizer.load_state_dict(stacked(of_seeds))
        return optimizers

    def on_train_start(self) -> None:
        """Find the weights where Lightning has put them."""
        self.share_memory()
        for seed in self.seeds:
            seed.module.on_train_start()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what it makes of each seed's weights and tensors, stacked."""
        called = Called(self)
        states = {f"module.{n}": w for n, w in states_of(self).items() if n[:4] != "ema."}

        def of_one(states: dict[str, Tensor], arguments: Sequence[Any]) -> Any:
            return functional_call(called, states, (function, arguments))

        return torch.vmap(of_one)(states, arguments)

    def clip(self, parameters: Sequence[nn.Parameter], most: float) -> None:
        """Scale each seed's gradients down to a norm of `most`."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        norms = torch.stack([g.reshape(len(g), -1).norm(dim=1) for g in gradients]).norm(dim=0)
        shares = (most / (norms + 1e-6)).clamp(max=1)
        for gradient in gradients:
            gradient.mul_(shares.view(-1, *[1] * (gradient.ndim - 1)))

    def gradients(self, batch: Batch, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Measure those of each seed by itself; they wait for its report."""
        for place, seed in self.living():
            own = of_seed(batch, place)
            pair = seed.module.pair(own)
            with seed.alone():
                self.measured[place] = seed.module.gradients(own, *pair)
        return {}

    def check_losses(self) -> None:
        """End the seeds whose losses are not finite; all of them are looked at at once."""
        due = self.unchecked[:]
        self.unchecked.clear()
        if not due or torch.stack([loss for *_, loss in due]).isfinite().all():
            return
        for place, seed in self.living():
            seed.module.unchecked = [(step, name, loss[place]) for step, name, loss in due]
            with seed.alone():
                seed.module.check_losses()
        self.some_left()

    def check_weights(self) -> None:
        """End the seeds whose losses or weights are not finite."""
        self.check_losses()
        finite = [w.isfinite().reshape(len(w), -1).all(1) for w in states_of(self).values()]
        good = torch.stack(finite).all(dim=0).cpu()
        for _, seed in [(place, seed) for place, seed in self.living() if not good[place]]:
            seed.module.step = self.step
            with seed.alone():
                seed.module.check_weights()
        self.some_left()

    def some_left(self) -> None:
        """Raise a FloatingPointError where every seed has failed: there is nothing left to do."""
        if next(self.living(), None) is None:
            raise FloatingPointError(f"step {self.step}: none of the seeds is left; {REMEDY}")

    def report(self, real: Tensor, fake: Tensor, gradients: Mapping[str, float]) -> None:
        """Add one point to the curves of each seed."""
        for place, seed in self.living():
            self.tell(place)
            with seed.alone():
                seed.module.report(real[place], fake[place], self.measured.pop(place, {}))

    def tell(self, place: int) -> None:
        """Tell that seed's module what it knows of its own training when it trains alone."""
        module = self.seeds[place].module
        module.step = self.step
        module.losses = {name: loss[place].clone() for name, loss in self.losses.items()}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Make it the checkpoint of one run, which can go on from it alone: of seed `saving`."""
        self.tell(self.saving)
        module = self.seeds[self.saving].module
        module.on_save_checkpoint(checkpoint)
        checkpoint["state_dict"] = {name: w.clone() for name, w in module.state_dict().items()}
        states = checkpoint["optimizer_states"]
        checkpoint["optimizer_states"] = [unstacked(state, self.saving) for state in states]

    def after(self, batch: Batch, logger: Logger | None) -> None:
        """Do for each seed what follows on its step."""
        for place, seed in self.living():
            seed.module.step = self.step
            with seed.alone():
                seed.module.after(of_seed(batch, place), seed.logger)
        self.some_left()


def pack(seeds: Sequence[Seed]) -> Pack:
    """Return the modules of one kind, whose settings differ in the mean of the data alone, as one.

    Args:
        seeds: at least one, all at the same step.
    """
    first, kind = seeds[0].module, type(seeds[0].module)
    memo: dict[int, Any] = {id(first.callbacks): [], id(first.setting): first.setting}
    whole = copy.deepcopy(first, memo)
    whole.__class__ = type(f"{kind.__name__}Pack", (Pack, kind), {})
    assert isinstance(whole, Pack)
    whole.seeds, whole.saving, whole.measured = seeds, 0, {}
    for name in first.losses:
        whole.losses[name] = torch.stack([seed.module.losses[name] for seed in seeds])
    all_states = [states_of(seed.module) for seed in seeds]
    for name, state in states_of(whole).items():
        state.data = torch.stack([states[name].data for states in all_states])
    whole.share_memory()
    return whole


def states_of(module: AdversarialModule) -> dict[str, Tensor]:
    """Return parameters and buffers by name, without the count of averaged steps, one for all."""
    named = chain[tuple[str, Tensor]](module.named_parameters(), module.named_buffers())
    return {name: state for name, state in named if name != "ema.n_averaged"}


OF_ALL = ("step", "mu_product")  # what an optimiser counts for a parameter as a whole


def of_seed(batch: Batch, place: int) -> Batch:
    """Return that seed's batch out of a stack of them."""
    return Batch(*(part[place] for part in batch))


def stacked(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the states of one optimiser in many runs, with stacks; `OF_ALL` is the first's."""
    return with_moments(
        states[0],
        lambda number, name: torch.stack([state["state"][number][name] for state in states]),
    )


def unstacked(state: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return the state of one run's optimiser out of that of a stack: the way back."""
    return with_moments(state, lambda number, name: state["state"][number][name][place].clone())


def with_moments(state: Mapping[str, Any], moment: Callable[[int, str], Any]) -> dict[str, Any]:
    """Return an optimiser's state with other moments, by their parameter's number and name."""
    moments = {
        number: {name: of[name] if name in OF_ALL else moment(number, name) for name in of}
        for number, of in state["state"].items()
    }
    return {**state, "state": moments}
