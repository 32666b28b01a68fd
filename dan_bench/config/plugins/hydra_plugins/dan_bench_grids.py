"""A Hydra sweeper over a list of grids, as scikit-learn's ParameterGrid takes one.

Hydra's own sweeper knows one product of axes. A benchmark needs several: a control has no
`output`, a GAN no torus. Jobs that are done are left out, and all are checked before any is run.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import OverrideType
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from dan_bench.config.command_line import refuse_no_choice, within
from dan_bench.config.compose import NO_PATHS, without_hydra
from dan_bench.config.template import Template


class FilesReadOnce(ConfigRepository):
    """The files of conf/, each read once for all compositions of a sweep.

    Hydra copies its repository for every composition, and reads thirty files again.
    """

    def __init__(self, like: ConfigRepository) -> None:
        self.sources = like.sources
        self._read = cache(super().load_config)

    def __deepcopy__(self, _: object) -> Self:
        return self

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Return a copy, since overrides are merged into what is returned."""
        return copy.deepcopy(self._read(config_path))


class GridSweeper(Sweeper):
    """Runs the union of the grids; overrides on the command line hold for each of them."""

    def __init__(
        self,
        grids: Sequence[dict[str, Any]] = (),
        params: dict[str, str] | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        self.grids = [{**(params or {}), **grid} for grid in grids or [{}]]
        self._composed: dict[tuple[str, ...], Template] = {}
        self._texts: dict[str, tuple[str, Any, str]] = {}
        self._groups: dict[str, bool] = {}

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra gives every sweeper."""
        loader = hydra_context.config_loader
        assert isinstance(loader, ConfigLoaderImpl)
        loader.repository = FilesReadOnce(loader.repository)
        self.config = config
        self.hydra_context = hydra_context
        self.take = task_function

    def sweep(self, arguments: list[str]) -> None:
        """Hand over every job's config; the runs begin when all of them have been checked."""
        HydraConfig.instance().set_config(self.config)
        for overrides in self.expand(arguments):
            self.take(self.values(overrides))

    def expand(self, arguments: list[str]) -> list[list[str]]:
        """Return every job's overrides; an axis named on the command line replaces a grid's."""
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        named = {override.key_or_group for override in parser.parse_overrides(arguments)}
        jobs = []
        for grid in self.grids:
            axes = [f"{axis}={values}" for axis, values in grid.items() if axis not in named]
            overrides = parser.parse_overrides(axes + arguments)
            for override in overrides:
                refuse_no_choice(override.input_line or "", override)
            jobs += [list(job) for job in BasicSweeper.split_arguments(overrides, None)[0]]
        return jobs

    def values(
        self, overrides: Sequence[str], paths: Mapping[str, Path] = NO_PATHS
    ) -> dict[str, Any]:
        """Return one job's config as plain containers, with interpolations resolved.

        Hydra takes a fifth of a second for each, so that jobs which differ in plain values alone
        (a seed, a learning rate) are composed once and given their values.

        Args:
            overrides: of the job.
            paths: of `runtime`, by name, to be taken literally.
        """
        read = {text: self._read(text) for text in overrides}
        # what adds, removes or merges is applied in its turn: before or after a plain value of it
        turns = [name for name, _, kind in read.values() if kind == "merged"]
        plain: dict[str, Any] = {}
        rest: list[str] = []
        for text, (name, value, kind) in read.items():
            if kind == "plain" and not any(within(name, [n]) or within(n, [name]) for n in turns):
                plain[name] = value
            else:
                rest.append(text)
        alike = (*plain, "", *rest)
        if alike not in self._composed:
            loader = self.hydra_context.config_loader
            composed = without_hydra(loader.load_sweep_config(self.config, list(overrides)))
            composed["runtime"] |= paths
            self._composed[alike] = Template(composed)
        literal = {f"runtime.{name}" for name in paths}
        return self._composed[alike].filled({n: x for n, x in plain.items() if n not in literal})

    def _read(self, text: str) -> tuple[str, Any, str]:
        """Return name and value of an override, and what is done with it.

        It is `chosen` of a group, `merged`, which may add and remove, or `plain`, put there.
        """
        if text not in self._texts:
            loader = self.hydra_context.config_loader
            (one,) = OverridesParser.create(config_loader=loader).parse_overrides([text])
            name = one.key_or_group
            if name not in self._groups:  # Hydra goes through all of its sources for the answer
                self._groups[name] = bool(loader.get_group_options(name))
            value = None if one.is_delete() else one.value()
            kind = "plain" if one.type == OverrideType.CHANGE else "merged"
            if isinstance(value, dict):  # into what is there, be it of the job that was composed
                kind = "merged"
            elif self._groups[name]:
                kind = "chosen"
            self._texts[text] = (name, value, kind)
        return self._texts[text]


@dataclass
class GridsConfig:
    """`hydra/sweeper=grids`; each grid maps axes to their values, as written on a command line."""

    _target_: str = "hydra_plugins.dan_bench_grids.GridSweeper"
    grids: list[dict[str, Any]] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    """Axes of every grid, as Hydra's own sweeper has them."""
    max_batch_size: int | None = None
    """Of Hydra's own sweeper, too; it has no effect here."""


ConfigStore.instance().store(
    group="hydra/sweeper", name="grids", node=GridsConfig, provider="dan_bench"
)
