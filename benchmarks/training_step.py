"""What does the framework cost? Our module under Lightning's Trainer against a bare loop.

    python benchmarks/training_step.py [--steps 50] [--repeats 30] [OVERRIDE ...]

Same networks, initial weights, batch size and arithmetic, one thread, in turn, in one process. The
bare loop has all its data and noise in memory beforehand and slices them, uses fused Adam, asks
for the gradients of one network at a time, shows the discriminator real and fake one after the
other as such loops do (ours shows them in one pass), and logs nothing. The floor is the time that
the step's matrix products take alone.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import count, islice

import torch
from torch import Tensor, nn

from dan_bench.callbacks.convergence import Convergence
from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.data.batches import Batch, Batches
from dan_bench.models.module import AdversarialModule
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import plan

HELD_STEPS = 300
"""Steps after which the bare loop begins its data again."""


def batches_of(config: RunConfig) -> Batches:
    """Return the batches that a run of this config sees."""
    source = plan(config).source
    source.prepare()
    return Batches(
        source.load("train"),
        784,
        config.noise_dim,
        config.trainer.batch_size,
        config.trainer.max_steps,
        config.seed,
    )


def bare(config: RunConfig, steps: int) -> Iterator[float]:
    """Seconds a step of a plain loop over slices of what is in memory, `steps` steps at a time."""
    module = plan(config).method.make()
    assert isinstance(module, AdversarialModule)
    degenerator, discriminator = module.degenerator, module.discriminator
    of_degenerator = torch.optim.Adam(
        degenerator.parameters(), lr=1.5e-3, betas=(0.5, 0.999), fused=True
    )
    of_discriminator = torch.optim.Adam(
        discriminator.parameters(), lr=1.5e-3, betas=(0.5, 0.999), fused=True
    )
    ws, thetas = list(degenerator.parameters()), list(discriminator.parameters())
    softplus, output, mean = nn.functional.softplus, module.output, module.setting.data_mean
    size = config.trainer.batch_size
    first = islice(batches_of(config), HELD_STEPS)
    held = Batch(*(torch.cat(parts) for parts in zip(*first, strict=True)))

    def critic(y: Tensor) -> Tensor:
        logits: Tensor = discriminator(output.features(y))
        return logits

    for turn in count():
        start = time.perf_counter()
        for step in range(turn * steps, (turn + 1) * steps):
            place = step * size % len(held.data)
            rows = slice(place, place + size)
            fed = torch.cat([held.data[rows] - mean, held.noise[rows]], dim=1)
            fake = output.activation(degenerator(fed))
            loss = softplus(-critic(held.target[rows])).mean()
            loss = loss + softplus(critic(fake.detach())).mean()
            of_discriminator.zero_grad()
            loss.backward(inputs=thetas)
            of_discriminator.step()
            loss = softplus(-critic(fake)).mean()
            of_degenerator.zero_grad()
            loss.backward(inputs=ws)
            of_degenerator.step()
        yield (time.perf_counter() - start) / steps


def pairs(config: RunConfig, steps: int) -> list[tuple[float, float]]:
    """Seconds a step of ours under the Trainer and of the bare loop, in turn, `steps` at a time.

    The turns change inside one training run: a machine that is slow for a second is slow for both.
    """
    module = plan(config).method.make()
    assert isinstance(module, AdversarialModule)
    plain = bare(config, steps)
    seen: list[tuple[float, float]] = []
    start = time.perf_counter()

    def turn(_: int) -> None:
        nonlocal start
        seen.append(((time.perf_counter() - start) / steps, next(plain)))
        start = time.perf_counter()

    held_out = plan(config).source.load("test")
    module.callbacks.append(Convergence(held_out, module.setting, config.seed))  # as every run has
    fit(module, batches_of(config), on_step=turn)
    return seen[1:]  # the first holds what both do once


def floor(config: RunConfig, repeats: int = 50) -> float:
    """Seconds that the matrix products of one step take, back to back.

    Of each layer of size n x m: forward B n m; backward as much again for the weights and for
    the inputs, where those are wanted. The degenerator goes forward once and back once; the
    discriminator forward three times (real, fake, fake again), back on real and fake for its
    weights, and back on fake for the degenerator.
    """
    module = plan(config).method.make()
    assert isinstance(module, AdversarialModule)
    size = config.trainer.batch_size
    products: list[tuple[Tensor, Tensor]] = []

    def add(network: nn.Module, forward: int, weights: int, inputs: int, first_input: int) -> None:
        layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
        for i, layer in enumerate(layers):
            x = torch.rand(size, layer.in_features)
            g = torch.rand(size, layer.out_features)
            w = layer.weight.detach()
            products.extend([(x, w.T)] * forward + [(g.T, x)] * weights)
            products.extend([(g, w)] * (first_input if i == 0 else inputs))

    add(module.degenerator, forward=1, weights=1, inputs=1, first_input=0)
    add(module.discriminator, forward=3, weights=2, inputs=3, first_input=1)
    start = 0.0
    for repeat in range(repeats + 5):
        if repeat == 5:
            start = time.perf_counter()
        for a, b in products:
            torch.mm(a, b)
    return (time.perf_counter() - start) / repeats


def main() -> None:
    """Alternate the two and print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50, help="of each, in turn (default 50)")
    parser.add_argument("--repeats", type=int, default=30, help="turns of each (default 30)")
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE")
    asked = parser.parse_args()
    if asked.steps < 1 or asked.repeats < 5:
        parser.error("--steps must be at least 1, --repeats at least 5")
    torch.set_num_threads(1)
    turns = [
        f"trainer.max_steps={asked.steps * (asked.repeats + 1)}",
        f"runtime.log_every={asked.steps}",
    ]
    config = configure([*asked.overrides, *turns])
    seen = pairs(config, asked.steps)
    ours_s, bare_s = (statistics.median(column) for column in zip(*seen, strict=True))
    low, ratio, high = statistics.quantiles((b / a for a, b in seen), n=4)
    print(
        f"{config.model.name} {config.output}, batch {config.trainer.batch_size}, one thread, "
        f"{asked.repeats} alternating repeats of {asked.steps} steps"
    )
    print(f"ours under the Trainer  {1e3 * ours_s:7.2f} ms a step  {1 / ours_s:7.1f} steps/s")
    print(f"bare loop               {1e3 * bare_s:7.2f} ms a step  {1 / bare_s:7.1f} steps/s")
    print(f"matrix products alone   {1e3 * floor(config):7.2f} ms a step  (the floor)")
    print(
        f"rate of ours over bare  {ratio:7.3f}  "
        f"(median of pairs, quartiles {low:.3f} and {high:.3f}; at least 0.97 is wanted)"
    )


if __name__ == "__main__":
    main()
