"""Random numbers and batches on an accelerator: what is made there, and how the rest gets there."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dan_bench.data.noise import quantiles
from dan_bench.interfaces import NoiseLaw
from dan_bench.rng import derive

WORD = 0xFFFFFFFF
CPU = torch.device("cpu")


def name_of(device: torch.device) -> str:
    """Return what provenance calls a device: its kind, and the model where that is known."""
    named = f"{device.type}: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else ""
    return named or device.type


def device_for(accelerator: str) -> torch.device:
    """Return what `runtime.accelerator` means here."""
    there_is = accelerator != "cpu" and torch.accelerator.is_available()
    return torch.accelerator.current_accelerator() or CPU if there_is else CPU


def sent(array: NDArray[np.generic], device: torch.device | str) -> Tensor:
    """Return an array on a device, without waiting for the copy where that is CUDA's."""
    tensor = torch.from_numpy(array)
    if torch.device(device).type != "cuda":
        return tensor.to(device)
    # from memory that is not pinned, the copy would wait for all that was begun there
    return tensor.pin_memory().to(device, non_blocking=True)


def philox(counter: Sequence[Tensor], key: int) -> Sequence[Tensor]:
    """Return Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").

    torch's own generator is Philox on CUDA as well, but which number goes where depends there on
    the model of the GPU.

    Args:
        counter: four tensors of 32-bit words as int64, which are broadcast.
        key: 64 bits, the first word in the lower ones.

    Returns:
        Four tensors of random words, likewise.
    """
    a, b, c, d = counter
    first, second = key & WORD, key >> 32
    for _ in range(10):
        p, q = a * 0xD2511F53, c * 0xCD9E8D57  # modulo 2^64: signs play no part
        a, b = (q >> 32 & WORD) ^ b ^ first, q & WORD
        c, d = (p >> 32 & WORD) ^ d ^ second, p & WORD
        first, second = first + 0x9E3779B9 & WORD, second + 0xBB67AE85 & WORD
    return a, b, c, d


class DeviceNoise:
    """`FreshNoise` made on a device, by Philox: the same law, and other numbers.

    Row n takes its 16 bits a number, lower half first, from the words of the counters (j, n mod
    2^32, n div 2^32, 0), j = 0, 1, ..., under the key `derive(seed, stream)`: there is no state,
    and no row depends on what else is asked for, or on the device.

    Args:
        seed: of the run.
        stream: name of the random stream.
        noise_dim: numbers a row.
        law: as of `FreshNoise`.
        device: where the numbers are made.
    """

    def __init__(
        self, seed: int, stream: str, noise_dim: int, law: NoiseLaw, device: torch.device
    ) -> None:
        self._key, self._noise_dim = derive(seed, stream), noise_dim
        self._quantiles = torch.from_numpy(quantiles(law)).to(device)

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the numbers of those rows, int64 on the device: n x noise_dim."""
        row, zero = rows[:, None], torch.zeros_like(rows[:, None])
        places = torch.arange(-(-self._noise_dim // 8), device=rows.device)
        words = torch.stack([*philox((places, row & WORD, row >> 32, zero), self._key)], dim=-1)
        halves = torch.stack([words & 0xFFFF, words >> 16], dim=-1)
        return self._quantiles[halves.flatten(1)[:, : self._noise_dim]]
