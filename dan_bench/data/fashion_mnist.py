"""Fashion-MNIST (Xiao, Rasul & Vollgraf 2017), through torchvision."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dan_bench.data.source import Data, Split


@dataclass(frozen=True)
class FashionMnist:
    """60,000 training and 10,000 test pictures of clothes, 28 x 28 bytes each."""

    root: Path
    shape: tuple[int, ...] = (28, 28)

    def prepare(self) -> str:
        """Have torchvision download and check what is missing."""
        from torchvision.datasets import FashionMNIST

        FashionMNIST(str(self.root), download=True)
        return f"fashion_mnist: in {self.root} (torchvision)"

    def load(self, split: Split) -> Data:
        """One split; the attackers have the training pictures."""
        from torchvision.datasets import FashionMNIST

        data = FashionMNIST(str(self.root), train=split != "test")
        return Data(data.data.numpy().reshape(-1, 784), data.targets.numpy().astype(np.int64))
