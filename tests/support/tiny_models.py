"""Models of twelve numbers a sample, and what one step changes in them."""

import math
from functools import partial

import numpy as np
import torch

from dan_bench.data.batches import Batches
from dan_bench.interfaces import Data
from dan_bench.models.dan import DAN
from dan_bench.models.gan import GAN
from dan_bench.models.setting import Hyperparameters
from dan_bench.objectives.nonsaturating import Nonsaturating

WIDTH, NOISE = 12, 6
ADAM = partial(torch.optim.Adam, lr=1e-2, betas=(0.5, 0.999))
SGD = partial(torch.optim.SGD, lr=1.0)
ROWS = np.random.default_rng(0).integers(0, 256, (50, WIDTH), dtype=np.uint8)


def setting(optimizer=ADAM, **changes):
    values = {
        "width": WIDTH,
        "data_mean": 0.5,
        "noise_dim": NOISE,
        "output": "torus",
        "objective": Nonsaturating(),
        "optimizers": {"degenerator": optimizer, "discriminator": optimizer},
        "log_every": 5,
    }
    return Hyperparameters(**values | changes)


def dan(seed=0, input="data_and_noise", scale=1.0, hidden=(9,), **changes):
    torch.manual_seed(seed)
    return DAN(
        setting(**changes),
        degenerator_hidden=hidden,
        discriminator_hidden=(7,),
        input=input,
        scale=scale,
    )


def gan(seed=0, **changes):
    torch.manual_seed(seed)
    return GAN(
        setting(**{"output": "sigmoid"} | changes),
        degenerator_hidden=(9,),
        discriminator_hidden=(7,),
    )


def batches(steps, seed=0):
    return Batches(Data(ROWS), WIDTH, NOISE, 8, steps, seed)


def state(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def distance(before, after, network):
    squares = (
        (after[name] - before[name]).double().square().sum().item()
        for name in before
        if name.startswith(f"{network}.")
    )
    return math.sqrt(sum(squares))
