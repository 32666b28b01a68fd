"""InfoDAN: InfoGAN (Chen et al. 2016) inverted; what InfoGAN maximises is minimised.

Information is bounded from both sides, and both bounds are in the loss. From above, by the
certificate of `metrics.certificate`: what the first layer lets through, past which nothing can be
recovered by anybody. From below, by a recogniser.

In InfoGAN a recogniser Q bounds the mutual information between the latent code and the output from
below (section 5), and the generator raises it. Here Q tries to recover what was put in, and the
degenerator is trained until Q's best guess is the one that it would make without the output.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from pydantic import NonNegativeFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss
from torch.optim import Optimizer

from dan_bench.data.batches import Batch
from dan_bench.interfaces import Dataset
from dan_bench.models.certified import CertifiedDAN
from dan_bench.models.networks import SLOPE, mlp
from dan_bench.models.setting import Hyperparameters


class Guess(NamedTuple):
    """A recogniser's predictions for B outputs."""

    label: Tensor
    """Logits of the classes: B x classes."""
    picture: Tensor
    """The centred data: B x d."""
    match: Tensor
    """Logit of output i having come from data j of the same batch: B x B."""


class Recogniser(nn.Module):
    """Q: one trunk on the output's features, and a head for each thing that may be recovered."""

    def __init__(self, features: int, width: int, hidden: tuple[int, ...], classes: int) -> None:
        super().__init__()
        last = hidden[-1]
        self.trunk = nn.Sequential(*mlp([features, *hidden]), nn.LeakyReLU(SLOPE))
        self.label = nn.Linear(last, classes)
        self.picture = nn.Linear(last, width)
        self.output_code = nn.Linear(last, last)
        self.data_code = mlp([width, *hidden, last])

    def forward(self, features: Tensor, centred: Tensor) -> Guess:
        """Guess, from the output's features and from the centred data that it is one of."""
        seen = self.trunk(features)
        codes = self.output_code(seen) @ self.data_code(centred).T
        return Guess(self.label(seen), self.picture(seen), codes / math.sqrt(codes.shape[1]))


@dataclass(eq=False, repr=False, kw_only=True)
class InfoDAN(CertifiedDAN):
    """DAN that learns its certificate, and also that a recogniser recovers nothing.

    The recogniser minimises, a batch, the cross-entropy of the label, the squared error of the
    picture over its variance, and the cross-entropy of the match (InfoNCE, van den Oord et al.
    2018). The degenerator's loss gains `weight` times the sum of

    - KL(class frequencies || Q's classes) / log(classes),
    - |Q's picture - mean picture|^2 / variance of the picture,
    - KL(uniform || Q's match) / log(B).

    All three are 0 where Q predicts what it would without the output, and their gradient does not
    vanish where Q is certain. Data without labels has no first term. A degenerator can hide from
    the current Q and leave a fresh attacker as much as before; so its loss also gains
    `dependence_weight` times the `dependence` of data and output in the batch, a recogniser of all
    structure that is the best of its kind at every step, since it need not be trained.

    Args:
        recogniser_hidden: hidden layer sizes of Q.
        recogniser_steps: updates of Q a batch.
        weight: of what Q recovers in the degenerator's loss.
        dependence_weight: of the dependence of output and data in it.
        classes: labels that Q tells apart; at least as many as the data has.
    """

    recogniser_hidden: tuple[PositiveInt, ...]
    recogniser_steps: PositiveInt
    weight: NonNegativeFloat
    dependence_weight: NonNegativeFloat
    classes: PositiveInt

    def __post_init__(self) -> None:
        super().__post_init__()
        width, features = self.setting.width, self.output.views * self.setting.width
        self.recogniser = Recogniser(features, width, self.recogniser_hidden, self.classes)

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """A recogniser needs a hidden layer, and two classes at least."""
        super().check(setting, **arguments)
        if not arguments["recogniser_hidden"]:
            raise ValueError("recogniser_hidden=[] must name at least one layer")
        if arguments["classes"] < 2:
            raise ValueError(f"classes={arguments['classes']} must be at least 2")

    @classmethod
    def check_data(cls, source: Dataset, **arguments: Any) -> None:
        """The recogniser needs an output for every class of the data."""
        labels = source.load("train").labels
        most = -1 if labels is None else int(labels.max())
        if most >= arguments["classes"]:
            raise ValueError(
                f"classes={arguments['classes']}: the data has a label {most}; "
                f"set model.classes={most + 1} or more"
            )

    def configure_optimizers(self) -> list[Optimizer]:
        """The recogniser's comes last, made as the discriminator's is."""
        make = self.setting.optimizers["discriminator"]
        return [*super().configure_optimizers(), make(self.recogniser.parameters())]

    def guess(self, batch: Batch, fake: Tensor) -> Guess:
        """The recogniser's predictions for the fakes."""
        guess: Guess = self.recogniser(self.output.features(fake), self.centred(batch))
        return guess

    def centred(self, batch: Batch) -> Tensor:
        """The batch's data less its own mean picture."""
        return batch.data - batch.data.mean(dim=0)

    def train_others(self, batch: Batch, fake: Tensor, optimizers: list[Optimizer]) -> None:
        """Train the recogniser, where the degenerator is told of it."""
        for _ in range(self.recogniser_steps if self.weight else 0):
            self.descend("recogniser_loss", optimizers[0], self.recogniser_loss, batch, fake)

    def recogniser_loss(self, batch: Batch, fake: Tensor) -> Tensor:
        """What Q gets wrong of the label, the picture and the match."""
        centred, guess = self.centred(batch), self.guess(batch, fake)
        own = torch.arange(len(fake), device=fake.device)
        of_label = cross_entropy(guess.label, batch.labels, ignore_index=-1, reduction="sum")
        of_picture = mse_loss(guess.picture, centred) / variance(centred)
        return of_label / len(fake) + of_picture + cross_entropy(guess.match, own)

    def penalty(self, batch: Batch, fake: Tensor) -> Tensor:
        """The certificate, what the recogniser recovers and the dependence, each by its weight."""
        total = super().penalty(batch, fake)
        if self.weight:
            total = total + self.weight * self.recovered(batch, fake)
        if self.dependence_weight:
            shown = self.output.features(fake)
            total = total + self.dependence_weight * dependence(shown, self.centred(batch))
        return total

    def recovered(self, batch: Batch, fake: Tensor) -> Tensor:
        """How far the recogniser's predictions are from those without any information."""
        guess, centred = self.guess(batch, fake), self.centred(batch)
        classes = torch.arange(self.classes, device=fake.device)
        counts = (batch.labels[:, None] == classes).sum(dim=0)
        frequency = counts / counts.sum().clamp_min(1)
        uniform = torch.full_like(guess.match, 1 / len(fake))
        of_label = divergence(frequency.expand_as(guess.label), guess.label)
        of_picture = guess.picture.square().mean() / variance(centred)
        of_match = divergence(uniform, guess.match)
        return (
            of_label / math.log(self.classes) + of_picture + of_match / math.log(max(len(fake), 2))
        )


def dependence(y: Tensor, x: Tensor) -> Tensor:
    """Normalised HSIC of B pairs in [0, 1], Gaussian kernels; 0 in the mean where independent.

    Gretton et al. 2005, definition 1, with the bandwidths at the median distance, over the norms of
    the centred kernels (Cortes et al. 2012, equation 4).
    """
    k, m = centred_kernel(y), centred_kernel(x)
    cosine: Tensor = (k * m).sum() / (k.norm() * m.norm()).clamp_min(1e-12)
    return cosine


def centred_kernel(rows: Tensor) -> Tensor:
    """exp(-|a - b|^2 / median of |a - b|^2), centred in rows and columns: B x B."""
    norms = rows.square().sum(dim=1)
    squares = (norms[:, None] + norms - 2 * rows @ rows.T).clamp_min(0)
    kernel = (-squares / squares.detach().median().clamp_min(1e-12)).exp()
    return kernel - kernel.mean(dim=0) - kernel.mean(dim=1, keepdim=True) + kernel.mean()


def variance(centred: Tensor) -> Tensor:
    """Variance over batch and pixels, away from 0 where a batch is all one picture."""
    return centred.square().mean().clamp_min(1e-6)


def divergence(p: Tensor, logits: Tensor) -> Tensor:
    """KL(p || softmax(logits)) in nats, mean over the rows; a row of zeros adds nothing."""
    rows: Tensor = (torch.special.xlogy(p, p) - p * logits.log_softmax(dim=1)).sum(dim=1)
    return rows.mean()
