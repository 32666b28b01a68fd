"""One adversarial step, as a Lightning module. A model overrides what differs, nothing else."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from dan_bench.data.batches import Batch, as_bytes
from dan_bench.data.device import name_of
from dan_bench.data.noise import fast_bytes
from dan_bench.interfaces import Dataset, Degenerator, Objective
from dan_bench.metrics.certificate import LinearChannel
from dan_bench.metrics.entropy import shannon_bits
from dan_bench.models.entrance import alike, measured
from dan_bench.models.frozen import Draw, FrozenDegenerator
from dan_bench.models.networks import average
from dan_bench.models.outputs import OUTPUTS, DiscriminatorCritic
from dan_bench.models.setting import REMEDY, Hyperparameters
from dan_bench.objectives import accuracy, on_both

KEPT = ("step", "curves", "losses", "devices")
"""What a checkpoint holds of a module beside Lightning's state."""


@dataclass(eq=False, repr=False)
class AdversarialModule(pl.LightningModule, ABC):
    """Degenerator against discriminator, optimised by hand, one update of each a batch.

    A model says what its two networks are (`make_degenerator`, `make_discriminator`), what the
    degenerator is given (`inputs`) and what counts as real (`real`). It is a dataclass, whose
    fields are the arguments that its config may set.

    `step` counts batches; Lightning's global_step is not used, since with two optimisers it
    counts something else. Metrics go to the logger every `log_every` steps, by hand: `self.log`
    costs 0.4 ms a metric on every step, whether or not it is written.

    Args:
        setting: the run.
    """

    setting: Hyperparameters

    degenerates: ClassVar[bool] = True
    """Whether the output is made of the data, so that a trained one can degenerate files."""

    def __post_init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        setting = self.setting
        self.mean: Tensor
        self.register_buffer("mean", torch.tensor(setting.data_mean), persistent=False)
        self.output = OUTPUTS[setting.output]
        self.degenerator = self.make_degenerator()
        self.discriminator = self.make_discriminator()
        self.critic = DiscriminatorCritic(self.output, self.discriminator)
        self.ema = (
            AveragedModel(self.degenerator).requires_grad_(False) if setting.ema_decay else None
        )
        self.step = 0
        self.pause: Callable[[int], bool] | None = None
        """Says of a step whether Lightning's loop is to run after it, as at each logging step."""
        self.callbacks: list[Callable[[AdversarialModule, Batch], None]] = []
        """Called after every step, with its batch."""
        self.losses: dict[str, Tensor] = {}
        """The latest of each; the degenerator may not move on every step."""
        self.unchecked: list[tuple[int, str, Tensor]] = []
        """Losses that may not be finite, with their steps and names."""
        self.curves: list[dict[str, float]] = []
        self.devices: list[str] = []
        """All that it was trained on, which shows in its last digits and then in all of them."""

    @classmethod
    def check(cls, setting: Hyperparameters, **arguments: Any) -> None:
        """Refuse, with a ValueError, a setting or arguments that make no sense for this model."""

    @classmethod
    def check_data(cls, source: Dataset, **arguments: Any) -> None:
        """Refuse, with a ValueError, data that this model can do nothing with."""

    @classmethod
    def refusal(cls, objective: type[Objective], output: str) -> str | None:
        """Return why it makes no sense with that objective and output; None where it does."""
        return None

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; those that change on every step go past torch's search for modules.

        Lightning notes the name of the running hook some twenty times a step, at 5 us each.
        """
        if name in ("step", "_current_fx_name"):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    @abstractmethod
    def make_degenerator(self) -> nn.Module:
        """Return the network from `inputs` to d pre-activations."""

    @abstractmethod
    def make_discriminator(self) -> nn.Module:
        """Return the network from the output's features to one logit."""

    @abstractmethod
    def inputs(self, data: Tensor, noise: Tensor) -> Tensor:
        """Return what the degenerator is given of the data B x d and the noise B x noise_dim."""

    def generate(self, network: nn.Module, data: Tensor, noise: Tensor) -> Tensor:
        """Return what that degenerator makes of data and noise: numbers in (0, 1), B x d."""
        return self.output.activation(network(self.inputs(data, noise)))

    def real(self, batch: Batch) -> Tensor:
        """Return what the discriminator is to take for real: the target noise."""
        return batch.target

    def fake(self, batch: Batch) -> Tensor:
        """Return what the discriminator is to take for fake: what became of the data."""
        y: Tensor = self(batch.data, batch.noise)
        return y

    def samples_in(self, fake: Tensor) -> Tensor:
        """Return the rows and columns of `fake` that are samples: all, but for some models."""
        return fake

    def forward(self, data: Tensor, noise: Tensor) -> Tensor:
        """Degenerate: data and fresh noise to numbers in (0, 1), B x d."""
        return self.generate(self.degenerator, data, noise)

    @torch.no_grad()
    def degenerate(self, data: Tensor, noise: Tensor) -> Tensor:
        """Degenerate with the averaged weights where there are any, else as trained."""
        return self.generate(self.averaged(), data.to(self.device), noise.to(self.device))

    def inference(self, seed: int, draw: Draw = fast_bytes) -> Degenerator:
        """Return the module, frozen, as a degenerator of bytes.

        Args:
            seed: of the run; fresh noise is a function of it and of the row number.
            draw: makes the fresh noise; with `data.noise.system_bytes` no seed reproduces it.
        """
        degenerate, channel = self.eval().degenerate, self.channel()
        layers = None if channel is None else self.later_layers(self.averaged())
        if layers is not None:
            layers = copy.deepcopy(layers).cpu().double()
        return FrozenDegenerator(degenerate, self.setting, seed, draw, channel, layers)

    def channel(self) -> LinearChannel | None:
        """Return the degenerator's first layer as a map of data and noise; None if there is none.

        None also where it turns out not to be what `first_layer` promises: it is not linear, or
        the output is made of more than of it, as where a subclass gives the data another way in.
        """
        network = self.averaged()
        first = self.first_layer(network)
        later = None if first is None else self.later_layers(network)
        if first is None or later is None:
            return None
        width, noise_dim = self.setting.width, self.setting.noise_dim

        def whole(data: Tensor, noise: Tensor) -> Tensor:
            return self.output.features(self.degenerate(data, noise))

        def parts(data: Tensor, noise: Tensor) -> Tensor:
            raw = later(first(self.inputs(data, noise)).flatten(1))
            return self.output.features(self.output.activation(raw))

        if not alike(whole, parts, width, noise_dim, next(network.parameters())):
            return None
        return measured(first, self.inputs, width, noise_dim)

    def first_layer(self, network: nn.Module) -> nn.Module | None:
        """Return the part of a degenerator that is linear in its `inputs`, if that is where all
        of the data enter; None where they enter otherwise, too.
        """
        return None

    def later_layers(self, network: nn.Module) -> nn.Sequential | None:
        """Return the rest of a degenerator that has a first layer, on its flattened output.

        A first layer without it has no certificate, since nothing shows that all data enter there.
        """
        return None

    def averaged(self) -> nn.Module:
        """Return the degenerator with its averaged weights where there are any."""
        return self.degenerator if self.ema is None else self.ema.module

    def configure_optimizers(self) -> list[Optimizer]:
        """Discriminator's first, then the degenerator's."""
        make = self.setting.optimizers
        return [
            make["discriminator"](self.discriminator.parameters()),
            make["degenerator"](self.degenerator.parameters()),
        ]

    def on_train_start(self) -> None:
        """Note what it is trained on from here."""
        if (name := name_of(self.device)) not in self.devices:
            self.devices.append(name)

    def training_step(self, dataloader_iter: Iterator[tuple[Batch, int, int]]) -> None:
        """Learn from one batch after the other, up to a logging step or a `pause`.

        The name of the argument tells Lightning to hand over the iterator. What it does around a
        call costs time (benchmarks/training_step.py), and nothing needs it in between.
        """
        for batch, _, _ in dataloader_iter:
            self.learn(batch.to(self.device, self.dtype))
            self.after(batch, self.logger)
            if self.step % self.setting.log_every == 0 or (self.pause and self.pause(self.step)):
                break

    def after(self, batch: Batch, logger: Logger | None) -> None:
        """Call the callbacks, and log what is to be logged of the step that has ended.

        Raises:
            FloatingPointError: a callback met a number that is not finite.
        """
        try:
            for callback in self.callbacks:
                callback(self, batch)
        except FloatingPointError as error:
            raise FloatingPointError(f"step {self.step}: {error}; {REMEDY}") from error
        if logger is not None and self.step % self.setting.log_every == 0:
            point = {name: x for name, x in self.curves[-1].items() if name != "step"}
            logger.log_metrics(point, step=self.step)

    def learn(self, batch: Batch) -> None:
        """One update of the discriminator and one of the degenerator, on the same fakes."""
        # Lightning's wrappers cost as much again as the rest of the loop and only keep global_step
        of_discriminator, of_degenerator, *others = self.optimizers(use_pl_optimizer=False)
        real, fake = self.call(self.pair, batch)
        seen = fake.detach()
        self.descend("discriminator_loss", of_discriminator, self.discriminator_loss, real, seen)
        self.train_others(batch, seen, others)
        setting, reports = self.setting, (self.step + 1) % self.setting.log_every == 0
        measures = setting.log_gradients and reports
        gradients = self.gradients(batch, real, fake) if measures else {}
        if not setting.freeze_degenerator and self.step % setting.discriminator_steps == 0:
            terms = batch, real, fake
            self.descend("degenerator_loss", of_degenerator, self.degenerator_loss, *terms)
            if self.ema is not None:
                average(self.ema, self.degenerator, setting.ema_decay, first=self.step == 0)
        self.step += 1
        if reports:
            self.check_weights()
            self.report(real, seen, gradients)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what one of its functions makes of tensors.

        All that a step computes goes through here: many runs in one are called all at once.
        """
        return function(*arguments)

    def pair(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return what is real and what is fake."""
        return self.real(batch), self.fake(batch)

    def discriminator_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        """The objective's; `fake` is without gradient."""
        return self.setting.objective.discriminator_loss(self.critic, real, fake)

    def degenerator_loss(self, batch: Batch, real: Tensor, fake: Tensor) -> Tensor:
        """The objective's, and the model's penalty."""
        loss = self.setting.objective.degenerator_loss(self.critic, real, fake)
        return loss + self.penalty(batch, fake)

    def gradients(self, batch: Batch, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Return the sizes of the gradients of the degenerator's loss L, a mean over samples.

        `parameter_gradient` is |dL/dw| over all of its parameters w; `sample_gradient` is the
        root mean square over the samples i of |dL_i/dy_i|, y_i being the sample and dL_i/dy_i =
        B dL/dy_i: the discriminator's part, before the degenerator's own Jacobian.
        """
        loss = self.degenerator_loss(batch, real, fake)
        to_fake, *to_parameters = torch.autograd.grad(
            loss,
            [fake, *self.degenerator.parameters()],
            retain_graph=True,  # the update comes after it
            materialize_grads=True,
        )
        per_sample = len(fake) * self.samples_in(to_fake).flatten(1).norm(dim=1)
        return {
            "parameter_gradient": float(nn.utils.get_total_norm(to_parameters)),
            "sample_gradient": float(per_sample.square().mean().sqrt()),
        }

    def train_others(self, batch: Batch, fake: Tensor, optimizers: list[Optimizer]) -> None:
        """Update the further networks of a model that has some, on fakes without gradient."""

    def penalty(self, batch: Batch, fake: Tensor) -> Tensor | float:
        """Return what a model adds to the degenerator's loss."""
        return 0.0

    def descend(
        self, name: str, optimizer: Optimizer, function: Callable[..., Tensor], *arguments: Any
    ) -> None:
        """One step on a loss, computing the gradients of the optimiser's parameters, no others.

        The loss is `function` of the arguments, a function of this module; curves know its name.

        Raises:
            FloatingPointError: the loss is not finite.
        """
        loss = self.call(function, *arguments)
        self.losses[name] = loss.detach()
        self.unchecked.append((self.step + 1, name, self.losses[name]))
        if loss.is_cpu:  # to look at a number on an accelerator is to wait for all begun there
            self.check_losses()
        parameters = optimizer.param_groups[0]["params"]
        # not manual_backward: its hooks cost 2 % of a step and serve fp16 and DDP, which we refuse
        one = torch.ones_like(loss)  # for each run where there are many, of which none sees another
        gradients = torch.autograd.grad(loss, parameters, one, allow_unused=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = None if gradient is None else laid_out_as(parameter, gradient)
        if self.setting.gradient_clip is not None:
            self.clip(parameters, self.setting.gradient_clip)
        optimizer.step()

    def clip(self, parameters: Sequence[nn.Parameter], most: float) -> None:
        """Scale their gradients down to a norm of `most`, all together."""
        nn.utils.clip_grad_norm_(parameters, most)

    def check_losses(self) -> None:
        """Raise a FloatingPointError for the first of the unchecked losses that is not finite."""
        due = self.unchecked[:]
        self.unchecked.clear()
        if due and not torch.stack([loss for *_, loss in due]).isfinite().all():
            step, name, loss = next(one for one in due if not one[2].isfinite())
            raise FloatingPointError(f"step {step}: {name} is {loss.item()}; {REMEDY}")

    def check_weights(self) -> None:
        """Raise a FloatingPointError where a loss or a weight is not finite."""
        self.check_losses()
        for name, weight in self.state_dict().items():
            # in one pass, a tenth of the time of looking at each
            if weight.numel() and not torch.stack(weight.aminmax()).isfinite().all():
                raise FloatingPointError(f"step {self.step}: {name} is not finite; {REMEDY}")

    @torch.no_grad()
    def report(self, real: Tensor, fake: Tensor, gradients: Mapping[str, float]) -> None:
        """Add one point to the curves."""
        on_real, on_fake = on_both(self.critic, real, fake)
        point: dict[str, float] = {name: loss.item() for name, loss in self.losses.items()}
        point["discriminator_accuracy"] = accuracy(self.setting.objective, on_real, on_fake)
        point["batch_shannon_bits"] = shannon_bits(as_bytes(self.samples_in(fake))).value
        self.curves.append({"step": float(self.step)})
        self.note({**point, **gradients})

    def note(self, point: dict[str, float]) -> None:
        """Add to the last point of the curves; the logger gets it when all have added theirs."""
        self.curves[-1] |= point

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep our own step and curves beside Lightning's state."""
        checkpoint["dan_bench"] = {name: getattr(self, name) for name in KEPT}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take them back, and the precision, to which Lightning converts only after loading."""
        weights = checkpoint["state_dict"].values()
        self.to(next(weight.dtype for weight in weights if weight.is_floating_point()))
        kept = {"devices": []} | checkpoint["dan_bench"]  # which older ones do not name
        for name in KEPT:
            setattr(self, name, kept[name])
        # a run that is given more steps than it had goes on, though Lightning saw its last batch
        progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
        progress["is_last_batch"] = False
        # what is left comes as a loader of its own, from which nothing is fetched yet; Lightning
        # adds the completion of the call in whose end the checkpoint was written
        progress["current"] = dict.fromkeys(progress["current"], 0) | {"completed": -1}


def laid_out_as(parameter: Tensor, gradient: Tensor) -> Tensor:
    """Return the gradient with the strides of its parameter.

    Second derivatives of convolutions come in another memory layout, and torch's fused CPU
    optimisers walk both arrays as if they were laid out alike.
    """
    if gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
