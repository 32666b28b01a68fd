"""From the command line of `train` to configs, or to one line on what to type instead.

What Hydra would trip over, or ignore, is quoted or refused before Hydra reads it.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any

import hydra
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString, Sweep
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import InterpolationToMissingValueError, OmegaConfBaseException
from yaml import YAMLError

from dan_bench.cli import InputError, unusable
from dan_bench.config.compose import plain_values
from dan_bench.config.launchers import NO_SETTINGS, SEARCH, launched, register
from dan_bench.config.schema import CONF, Known, RunConfig, missing_value
from dan_bench.config.template import with_settings

REFUSALS = (HydraException, OmegaConfBaseException, YAMLError, InputError)
"""Errors, Hydra's and our own, of a config that cannot be composed."""
WHOLE = (
    *("results", "threads", "workers", "seeds_per_process"),
    *("executor", "retries", "slurm", "ray", "progress"),
)
"""Settings of `runtime` that a sweep has but once."""

HONOURED = ("hydra.searchpath", "hydra.mode", "hydra.launcher", "hydra.sweeper", "hydra.help")
"""Of Hydra's own settings, those that this program acts on, or whose own settings it checks."""
SWEEPERS = ("basic", "grids")
INSTEAD = {
    "table1": "the entries of Table 1 are run by `python -m dan_bench.table1 --subjects NAME`",
    "hydra.run": "all that a run leaves is under one folder: type runtime.results=DIR",
    "hydra.sweep": "all that a run leaves is under one folder: type runtime.results=DIR",
    "hydra.output_subdir": "a run's config is in its record.json: leave it out",
    "hydra.job_logging": "each run has its log.txt; type runtime.progress=plain, quiet or json "
    "for what is shown meanwhile",
    "hydra.job": "a run starts where it is launched, in your environment: leave it out",
}
"""What to type in place of the others, by the beginning of their names."""
OTHERWISE = f"leave it out; the settings of Hydra that are used are {', '.join(HONOURED)}"
DISTRIBUTED = {
    f"{where}{name}"
    for where in ("", "trainer.", "runtime.")
    for name in ("strategy", "devices", "num_devices", "num_nodes", "gpus")
}
"""What other programs on Lightning call the number of devices that train one network."""
RANKS = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
"""Variables in which torchrun and srun say how many copies they started."""
ONE_DEVICE = (
    "a run is one process on one device, as networks of this size gain nothing from DDP: train "
    "several seeds at once, runtime.seeds_per_process=N, or spread the runs of a sweep, "
    "runtime.workers=N and runtime.executor=local, slurm or ray"
)


def configs_of(arguments: Sequence[str]) -> list[RunConfig]:
    """Have Hydra compose the configs of a command line; none if it only shows something.

    Raises:
        InputError: with everything that is wrong with them.
    """
    configs: list[RunConfig] = []
    refused: list[str] = []
    known: Known = {}
    # once for all jobs of a sweep
    asked = cache(lambda: settings_of(HydraConfig.get()))
    runtimes: dict[int, tuple[Any, dict[str, Any]]] = {}
    """What becomes of each `runtime`, by its id; jobs share them."""

    def take(given: DictConfig | dict[str, Any]) -> None:
        try:
            values = given if isinstance(given, dict) else plain_values(given)
            if asked():
                runtime = values["runtime"]
                if id(runtime) not in runtimes:
                    runtimes[id(runtime)] = runtime, with_settings(runtime, asked())
                values = {**values, "runtime": runtimes[id(runtime)][1]}
            configs.append(RunConfig.parse(values, known))
        except REFUSALS as error:  # Hydra would add a line of its own
            refused.append(reason(error))

    refuse_ranks(os.environ)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises its errors instead of exiting with code 1
    register()
    sys.argv[1:] = understood(arguments)
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(take)()
    except REFUSALS as error:
        raise InputError(reason(error)) from error
    if refused:
        raise InputError("\n".join(dict.fromkeys(refused)))
    if configs:
        refuse_mixed(configs)
    return configs


def settings_of(hydra_config: DictConfig) -> dict[str, Any]:
    """Return what Hydra's own part asks of `runtime`; what is wrong there is refused."""
    sources = [one for one in hydra_config.runtime.config_sources if "searchpath" in one.provider]
    refuse_nowhere(f"{one.schema}://{one.path}" for one in sources)
    return launched(hydra_config)


def reason(error: Exception) -> str:
    """Return what is wrong: first what was meant perhaps, and then the names that there are."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return did_you_mean(f"{group}=", choice, error.options) + str(error)
    if isinstance(error, InterpolationToMissingValueError):
        return missing_value(str(error).splitlines()[0].rpartition(" ")[2])
    cause = error.__cause__
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        where = cause.parent_node
        names = [str(name) for name in where if name != "_target_"]
        if names:
            within = where._get_full_key(None)
            wrong = str(cause.key).rpartition(".")[2]
            meant = did_you_mean(f"{within}." if within else "", wrong, names)
            return f"{meant}{error}\nvalid names there: {', '.join(names)}"
        if where._get_full_key(None) == "hydra.launcher":
            return f"{error}\n{NO_SETTINGS}"
    return str(error)


def did_you_mean(before: str, wrong: str, names: Sequence[str]) -> str:
    """Return a line that names what is like a wrong name, or nothing where nothing is."""
    near = get_close_matches(wrong, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(f'{before}{name}' for name in near)}?\n" if near else ""


def refuse_mixed(configs: Sequence[RunConfig]) -> None:
    """Refuse runs that disagree about the sweep, or a results folder that is not writable."""
    runtimes = {id(config.runtime): config.runtime for config in configs}.values()
    for name in WHOLE:
        values = list(dict.fromkeys(str(getattr(runtime, name)) for runtime in runtimes))
        if len(values) > 1:
            raise InputError(
                f"runtime.{name}={','.join(values)}: the runs of a sweep share one; for a text "
                f"""with a comma, type 'runtime.{name}="{",".join(values)}"'"""
            )
    results = configs[0].runtime.results
    if why := unusable(results / "runs"):
        raise InputError(
            f"runtime.results={results.absolute()}: {why}; name another with runtime.results=DIR"
        )


def refuse_ranks(environment: Mapping[str, str]) -> None:
    """Refuse to be one of several copies of a command, each of which would do the whole of it."""
    for name in RANKS:
        if environment.get(name, "1") not in ("", "0", "1"):
            raise InputError(
                f"{name}={environment[name]}: {ONE_DEVICE}; start this command once, without it"
            )


# --- one override ------------------------------------------------------------------------------


def understood(arguments: Sequence[str]) -> list[str]:
    """Return a command line in Hydra's grammar, with each value quoted that has to be.

    Raises:
        InputError: an override that Hydra cannot read, or that would have no effect.
    """
    overrides = set(get_args_parser().parse_args(arguments).overrides)
    return [checked(each) if each in overrides else each for each in arguments]


def checked(text: str) -> str:
    """Return one override as Hydra reads it."""
    key, equals, value = text.partition("=")
    if not (key and equals) and not key.startswith("~"):
        raise InputError(f"{text!r} is no override; one is NAME=VALUE, such as seed=3")
    parser = OverridesParser.create()
    try:
        parsed = parser.parse_override(text)
    except HydraException as error:
        quoted = quote(text)
        # a list, or several values: what of it is one text is not ours to guess
        if "," in text or value[:1] in ("", "[", "{", "'", '"'):
            raise InputError(
                f"{error}\nto give it as one text, type {shlex.quote(quoted)}"
            ) from error
        try:
            parsed = parser.parse_override(quoted)
        except HydraException:
            raise InputError(str(error)) from error
        text = quoted
    refuse_unhonoured(text, parsed)
    refuse_no_choice(text, parsed)
    refuse_split_path(text, parsed)
    if parsed.key_or_group == "hydra.searchpath" and isinstance(places := parsed.value(), list):
        refuse_nowhere([place for place in places if isinstance(place, str)])
    return text


def quote(text: str) -> str:
    """Return an override with its value as one text."""
    key, _, value = text.partition("=")
    return f"{key}={QuotedString(value, Quote.double).with_quotes()}"


def refuse_unhonoured(text: str, parsed: Override) -> None:
    """Refuse a setting of Hydra's own, of DDP or of Table 1 that would change nothing."""
    name = parsed.key_or_group.replace("/", ".")
    if name in DISTRIBUTED:
        raise InputError(f"{text}: {ONE_DEVICE}")
    if parsed.key_or_group == "hydra/sweeper" and parsed.value() not in SWEEPERS:
        raise InputError(f"{text}: it can be {' or '.join(SWEEPERS)}; {SEARCH}")
    if name in ("hydra.launcher", "hydra.sweeper"):
        by_name = "/" in parsed.key_or_group or parsed.is_delete()
        if not isinstance(parsed.value(), str | list | Sweep if by_name else dict):
            raise InputError(f"{text}: type {name.replace('.', '/')}=NAME")
    if name == "hydra.launcher._target_":
        raise InputError(f"{text} has no effect here: type hydra/launcher=NAME")
    if not within(name, ["hydra", "table1"]) or within(name, HONOURED):
        return
    instead = next((INSTEAD[part] for part in INSTEAD if within(name, [part])), OTHERWISE)
    raise InputError(f"{text} has no effect here: {instead}")


def refuse_nowhere(places: Iterable[str]) -> None:
    """Refuse an entry of hydra.searchpath where there is nothing, which Hydra would pass over."""
    for place in places:
        search = ConfigSearchPathImpl()
        search.append("hydra.searchpath", place)
        try:
            there = ConfigRepository(search).sources[0].is_group("")
        except ValueError:  # it has another scheme
            there = False
        if not there:
            raise InputError(
                f"hydra.searchpath: there is no {place!r}; type the path of a folder of configs, "
                "file:///DIR or DIR, or pkg://PACKAGE.FOLDER"
            )


def within(name: str, parts: Sequence[str]) -> bool:
    """Return whether a name is one of the parts of a config, or in one of them."""
    return any(f"{name}.".startswith(f"{part}.") for part in parts)


def refuse_no_choice(text: str, parsed: Override) -> None:
    """Refuse null, a number or a truth value where a file of conf/ is to be named."""
    folder = CONF / parsed.key_or_group
    if parsed.is_delete() or not folder.is_dir():
        return
    values = list(parsed.sweep_iterator()) if parsed.is_sweep_override() else [parsed.value()]
    if not all(isinstance(value, str | list) for value in values):
        choices = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise InputError(f"{text}: {parsed.key_or_group} is one of {choices}")


def refuse_split_path(text: str, parsed: Override) -> None:
    """Refuse to take a path with a comma in it for several values."""
    value = text.partition("=")[2]
    parts = value.split(",")
    if parsed.is_sweep_override() and os.path.exists(value) and not all(map(os.path.exists, parts)):
        raise InputError(
            f"{text}: a comma separates the values of a sweep; for the one path, type "
            f"{shlex.quote(quote(text))}"
        )
