"""What does the framework cost? Our module under Lightning's Trainer against a bare loop.

    python benchmarks/training_step.py [--steps 300] [--repeats 7] [OVERRIDE ...]

Same networks, initial weights, batch size and arithmetic, one thread, in turn, in one process. The
bare loop has all its data and noise in memory beforehand and slices them, uses fused Adam, asks
for the gradients of one network at a time, and logs nothing. The floor is the time that the
step's matrix products take alone.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor, nn

from dan_bench.config import RunConfig
from dan_bench.data.batches import Batch, Batches
from dan_bench.models.fit import fit
from dan_bench.models.module import AdversarialModule
from dan_bench.plan import plan
from dan_bench.sweep.compose import configure


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


def ours(config: RunConfig) -> float:
    """Seconds a step under the Trainer, data generation included."""
    module = plan(config).make()
    assert isinstance(module, AdversarialModule)
    marks: list[float] = []
    fit(module, batches_of(config), on_step=lambda _: marks.append(time.perf_counter()))
    every = module.setting.log_every
    return (marks[-1] - marks[0]) / ((len(marks) - 1) * every)


def bare(config: RunConfig, held: Batch) -> float:
    """Seconds a step of a plain loop over slices of what is in memory."""
    module = plan(config).make()
    assert isinstance(module, AdversarialModule)
    degenerator, discriminator = module.degenerator, module.discriminator
    of_degenerator = torch.optim.Adam(
        degenerator.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True
    )
    of_discriminator = torch.optim.Adam(
        discriminator.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True
    )
    ws, thetas = list(degenerator.parameters()), list(discriminator.parameters())
    softplus, output, mean = nn.functional.softplus, module.output, module.setting.data_mean
    size, every = config.trainer.batch_size, config.runtime.log_every

    def critic(y: Tensor) -> Tensor:
        logits: Tensor = discriminator(output.features(y))
        return logits

    start = 0.0
    for step in range(config.trainer.max_steps):
        if step == every:
            start = time.perf_counter()
        rows = slice(step * size, (step + 1) * size)
        fed = torch.cat([held.data[rows] - mean, held.noise[rows]], dim=1)
        fake = output.squash(degenerator(fed))
        loss = softplus(-critic(held.target[rows])).mean() + softplus(critic(fake.detach())).mean()
        of_discriminator.zero_grad()
        loss.backward(inputs=thetas)
        of_discriminator.step()
        loss = softplus(-critic(fake)).mean()
        of_degenerator.zero_grad()
        loss.backward(inputs=ws)
        of_degenerator.step()
    return (time.perf_counter() - start) / (config.trainer.max_steps - every)


def floor(config: RunConfig, repeats: int = 50) -> float:
    """Seconds that the matrix products of one step take, back to back.

    Of each layer of size n x m: forward B n m; backward as much again for the weights and for
    the inputs, where those are wanted. The degenerator goes forward once and back once; the
    discriminator forward three times (real, fake, fake again), back on real and fake for its
    weights, and back on fake for the degenerator.
    """
    module = plan(config).make()
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
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = configure([*asked.overrides, f"trainer.max_steps={asked.steps}"])
    held = Batch(*(torch.cat(parts) for parts in zip(*batches_of(config), strict=True)))
    pairs = [(ours(config), bare(config, held)) for _ in range(asked.repeats)]
    ours_s, bare_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(
        f"{config.model.name} {config.output}, batch {config.trainer.batch_size}, one thread, "
        f"{asked.repeats} alternating repeats of {asked.steps} steps"
    )
    print(f"ours under the Trainer  {1e3 * ours_s:7.2f} ms a step  {1 / ours_s:7.1f} steps/s")
    print(f"bare loop               {1e3 * bare_s:7.2f} ms a step  {1 / bare_s:7.1f} steps/s")
    print(f"matrix products alone   {1e3 * floor(config):7.2f} ms a step  (the floor)")
    print(f"rate of ours over bare  {ratio:7.3f}  (median of pairs; at least 0.97 is wanted)")


if __name__ == "__main__":
    main()
