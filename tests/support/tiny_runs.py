"""Runs of a second: pictures of 12 x 10 noise, 20 steps."""

from dan_bench.config.compose import configure
from dan_bench.data.batches import Batches
from dan_bench.pipeline.plan import plan

SMALL = [
    "data=danoise",
    "data.shape=[12,10]",
    "data.train_size=200",
    "data.test_size=64",
    "noise_dim=120",
    "trainer.batch_size=8",
    "trainer.max_steps=20",
    "evaluation=minimal",
    "evaluation.samples=64",
    "evaluation.known=64",
    "evaluation.metrics={shannon_bits:{_target_:dan_bench.metrics.entropy.shannon_bits}}",
    "logger=none",
]


def module_of(*overrides):
    return plan(configure([*SMALL, *overrides])).method.make()


def batches(module, steps):
    source = plan(configure(SMALL)).source
    return Batches(
        source.load("train"), module.setting.width, module.setting.noise_dim, 8, steps, 0
    )
