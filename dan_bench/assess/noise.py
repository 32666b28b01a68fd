"""As much of a generator's output as there is of a stream, to show beside it."""

import os
import random

import numpy as np

from dan_bench.assess.reading import Stream, Window
from dan_bench.randomness.tally import Tally


def noise(generator: str, like: Stream, bits: int) -> Stream:
    """Return a stream of `python_random`, from a seed of the system's, or of `urandom`.

    Its windows have the lengths and places of the other's; its counts are of those windows.
    """
    draw = os.urandom if generator == "urandom" else random.Random(os.urandom(32)).randbytes
    tally, windows = Tally(), []
    for window in like.windows:
        drawn = np.frombuffer(draw(len(window.symbols)), dtype=np.uint8) >> np.uint8(8 - bits)
        tally.add(drawn)
        windows.append(Window(window.offset, drawn))
    return Stream(generator, tally, windows)
