"""GAN: noise goes in, data comes out (Goodfellow et al. 2014; top of the paper's Figure 5)."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from torch import Tensor

from dan_bench.data.batches import Batch
from dan_bench.interfaces import Objective
from dan_bench.models.dan import DAN
from dan_bench.models.setting import Hyperparameters


@dataclass(eq=False, repr=False, kw_only=True)
class GAN(DAN):
    """The reference that runs the other way: real is the data, and the network never sees it.

    Its networks are those of a DAN that is given noise alone; the degenerator is what a GAN calls
    the generator.
    """

    input: Literal["noise"] = field(default="noise", init=False)
    scale: float = field(default=1.0, init=False)

    degenerates: ClassVar[bool] = False

    @classmethod
    def refusal(cls, objective: type[Objective], output: str) -> str | None:
        """A torus is for noise."""
        if output == "torus":
            return (
                "on a torus 0 and 255 are neighbours, which suits noise but not images: "
                "output=torus must be sigmoid"
            )
        return None

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """A GAN needs noise to start from."""
        if setting.noise_dim == 0:
            raise ValueError("gan makes data from noise: noise_dim=0 must be at least 1")

    def real(self, batch: Batch) -> Tensor:
        """Return the data: what a GAN imitates."""
        return batch.data
