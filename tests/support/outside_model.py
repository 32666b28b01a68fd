"""A model as somebody else would write it in a package of his own: it adds what it makes of noise.

Nothing in dan_bench knows of it; a config names it by its target.
"""

from dataclasses import dataclass

from pydantic import PositiveInt
from torch import nn

from dan_bench.models.module import AdversarialModule
from dan_bench.models.networks import mlp

OVERRIDES = (
    "model=dan",
    "model.name=additive",
    "model._target_=outside_model.Additive",
    *(
        f"~model.{name}"
        for name in ("degenerator_hidden", "discriminator_hidden", "input", "scale")
    ),
    "+model.hidden=[16]",
)
"""What puts it in the place of a model of ours on a command line."""


@dataclass(eq=False, repr=False, kw_only=True)
class Additive(AdversarialModule):
    """The data plus a function of fresh noise, on the output's own space."""

    hidden: tuple[PositiveInt, ...]

    @classmethod
    def refusal(cls, objective, output):
        return "additive wraps round: output must be torus" if output != "torus" else None

    def make_degenerator(self):
        return mlp([self.setting.noise_dim, *self.hidden, self.setting.width])

    def make_discriminator(self) -> nn.Module:
        return mlp([self.output.views * self.setting.width, *self.hidden, 1])

    def inputs(self, data, noise):
        return noise

    def generate(self, network, data, noise):
        return self.output.activation(data + network(noise))
