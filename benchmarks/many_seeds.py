"""What does it save to train many seeds as one, and how far do they part from their single runs?

    python benchmarks/many_seeds.py [--seeds 1,2,4,8,16,32] [--steps 10] [OVERRIDE ...]
    python benchmarks/many_seeds.py --apart [--steps 300] [OVERRIDE ...]

On a CPU the seconds are the process's own, on one thread, whatever else the machine does; on a GPU
(runtime.accelerator=gpu) they are the clock's, and the seeds go to 256. Batches are drawn as in any
run. With --apart two seeds are trained both ways, in the precision of the config.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch

from dan_bench.config.compose import configure
from dan_bench.config.schema import RunConfig
from dan_bench.data.batches import Batches, BatchStacks
from dan_bench.models.module import AdversarialModule
from dan_bench.models.pack import Seed, pack
from dan_bench.pipeline.fit import fit
from dan_bench.pipeline.plan import Plan, plan

TURNS = 5
"""Measured turns of each; one before them is not."""


def made(config: RunConfig, seed: int, steps: int) -> tuple[AdversarialModule, Batches]:
    """Return the network of a seed, and its batches."""
    planned = plan(config.model_copy(update={"seed": seed}))
    assert isinstance(planned, Plan)
    planned.source.prepare()
    module = planned.method.make()
    trainer = config.trainer
    data = planned.source.load("train")
    sizes = module.setting.width, config.noise_dim, trainer.batch_size
    return module, Batches(data, *sizes, steps, seed, noise=config.noise)


def clock(accelerator: str) -> Callable[[], float]:
    """Return what tells the time: of this process on a CPU, else when the device is done."""
    if accelerator == "cpu":
        return time.process_time

    def now() -> float:
        torch.accelerator.synchronize()
        return time.perf_counter()

    return now


def seconds_a_step(config: RunConfig, seeds: int, steps: int) -> float:
    """Return the median over turns of `steps` steps, of one run by itself where it is one seed."""
    total = steps * (TURNS + 1)
    runs = [made(config, seed, total) for seed in range(seeds)]
    now = clock(config.runtime.accelerator)
    times: list[float] = []
    whole, batches = (
        runs[0]
        if seeds == 1
        else (
            pack([Seed(module) for module, _ in runs]),
            BatchStacks([batches for _, batches in runs]),
        )
    )
    fit(
        whole,
        batches,
        accelerator=config.runtime.accelerator,
        precision=config.trainer.precision,
        on_step=lambda _: times.append(now()),
    )
    return statistics.median(b - a for a, b in pairwise(times)) / steps


def apart(config: RunConfig, steps: int) -> None:
    """Print, at some steps, how far two seeds are from their single runs and from each other."""
    kept: list[dict[int, torch.Tensor]] = []

    def keep(module: AdversarialModule) -> None:
        at: dict[int, torch.Tensor] = {}
        module.callbacks.append(
            lambda m, _: at.__setitem__(m.step, flat(m)) if m.step in SHOWN else None
        )
        kept.append(at)

    def flat(module: AdversarialModule) -> torch.Tensor:
        return torch.cat([p.detach().flatten().double() for p in module.degenerator.parameters()])

    options = {"accelerator": config.runtime.accelerator, "precision": config.trainer.precision}
    for seed in (0, 1):
        module, batches = made(config, seed, steps)
        keep(module)
        fit(module, batches, **options)
    modules, stacks = zip(*(made(config, seed, steps) for seed in (0, 1)), strict=True)
    for module in modules:
        keep(module)
    fit(pack([Seed(module) for module in modules]), BatchStacks(stacks), **options)
    print("distance of the degenerators' weights, over their norm")
    print("step    a seed together and alone    two seeds")
    for step in sorted(kept[0]):
        one, other, *packed = (at[step] for at in kept)
        distances = [
            float((a - b).norm() / a.norm()) for a, b in zip((one, other), packed, strict=True)
        ]
        print(
            f"{step:5d}   {max(distances):21.1e}   {float((one - other).norm() / one.norm()):10.1e}"
        )


SHOWN = (1, 3, 10, 30, 100, 300, 1000, 1200)


def main() -> None:
    """Print a line for each number of seeds, or how far they part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="", help="numbers of seeds (default: by the device)")
    parser.add_argument("--steps", type=int, default=10, help="of a turn (default 10)")
    parser.add_argument("--apart", action="store_true", help="how far seeds part from single runs")
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config = configure([*asked.overrides, f"runtime.log_every={asked.steps}"])
    what = f"{config.model.name} {config.output}, batch {config.trainer.batch_size}"
    if asked.apart:
        print(f"{what}, {config.trainer.precision}")
        return apart(config, asked.steps)
    on_cpu = config.runtime.accelerator == "cpu"
    most = 32 if on_cpu else 256
    seeds = [int(n) for n in asked.seeds.split(",")] if asked.seeds else doubled(most)
    print(f"{what}, {'CPU, one thread' if on_cpu else torch.cuda.get_device_name()}")
    print("seeds   ms a step    x one seed   saved: one by one, over together")
    single = 0.0
    for number in seeds:
        took = seconds_a_step(config, number, asked.steps)
        single = single or took
        ratios = f"{took / single:10.2f}   {number * single / took:10.2f}"
        print(f"{number:5d}   {1e3 * took:9.2f}   {ratios}", flush=True)


def doubled(most: int) -> list[int]:
    """Return 1, 2, 4, up to `most`."""
    return [1 << n for n in range(most.bit_length())]


if __name__ == "__main__":
    main()
