"""The wandb workspace as code: what to look at first, in five sections, and the tables.

Building, writing and reading back need no account. wandb-workspaces keeps the form that it sends
behind methods of its own (`_to_model`, `_from_model`); they are used here and nowhere else.
"""

import hashlib
import json
from typing import Any

from wandb_workspaces.reports.v2.interface import (
    BarPlot,
    LinePlot,
    MediaBrowser,
    ScatterPlot,
    SummaryMetric,
    WeavePanelSummaryTable,
)
from wandb_workspaces.workspaces import RunsetSettings as Runs
from wandb_workspaces.workspaces import Section, Workspace, WorkspaceSettings, internal

PROJECT = "dan_bench"
NAME = "Is it noise? Is it gone?"
MOST = 100
"""Runs that a panel shows."""
PINNED = ("joint_bits", "effective_dimensions", "c2st_accuracy", "percent_destroyed")


def build(entity: str = "", project: str = PROJECT) -> Workspace:
    """Return the workspace.

    Args:
        entity: user or team that it is to be saved for.
        project: wandb project of the runs.
    """
    workspace = Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[Section(name=name, panels=of, is_open=True) for name, of in panels().items()],
        settings=WorkspaceSettings(x_axis="step", max_runs=MOST),
        runset_settings=Runs(pinned_columns=[f"summary:{name}" for name in PINNED]),
    )
    for section in workspace.sections:
        made: list[Any] = section.panels
        for place, panel in enumerate(made):
            # random by default, and a written workspace is to differ only where it differs
            named = f"{section.name}/{place}"
            panel._id = hashlib.sha256(named.encode()).hexdigest()[:12]
    return workspace


def panels() -> dict[str, list[Any]]:
    """Return the panels by section."""
    return {
        "collapse": [
            curve("Effective dimensions, 1 = noise", "effective_dimensions", low=0),
            curve("Shannon bits of a byte, 8 = noise, whatever repeats", "batch_shannon_bits"),
            bars("Joint bits a byte, 8 = noise", "joint_bits"),
            bars("Effective dimensions, 1 = noise", "effective_dimensions"),
            against(
                "Where collapse hides: entropy against dimensions",
                "shannon_bits",
                "effective_dimensions",
            ),
        ],
        "distinguishability": [
            curve("Discriminator, 1/2 = fooled", "discriminator_accuracy", "held_out_accuracy"),
            curve("V(D, G), -log 4 at the end point", "value_function"),
            curve("Bits to the uniform law, 0 = there", "uniform_distance_bits"),
            curve("Losses", "discriminator_loss", "degenerator_loss"),
            bars("Fresh classifiers against noise, 1/2 = cannot tell", "c2st_accuracy"),
            bars("SP 800-22, the worst family", "sp800_22"),
            bars("SP 800-90B min-entropy, bits a byte", "min_entropy_bits"),
        ],
        "%_dd": [
            bars("Data destroyed, %, an upper bound", "percent_destroyed"),
            bars("Recovered by each attack", *(f"{a}_recovered" for a in ATTACKS)),
            against(
                "Nothing is destroyed beyond the fresh randomness (Shannon)",
                "cost/noise_bits",
                "percent_destroyed",
                log_x=True,
            ),
            curve("Mean distance of the output from the data", "data_distance"),
        ],
        "cost": [
            bars("Seconds, in all", "cost/seconds"),
            bars("Training steps a second", "cost/steps_per_second"),
            bars("Parameters", "cost/parameters"),
            against("What noise costs", "cost/seconds", "joint_bits", log_x=True),
        ],
        "samples": [
            MediaBrowser(title="Data above, output below", media_keys=["samples"], num_columns=1),
            LinePlot(title="Bytes of the output", x="step", y=["samples/bytes"]),
        ],
        "tables": [
            WeavePanelSummaryTable(table_name="leaderboard"),
            WeavePanelSummaryTable(table_name="table1"),
        ],
    }


ATTACKS = ("label", "reconstruction", "dictionary")


def curve(title: str, *names: str, low: float | None = None) -> LinePlot:
    """Curves of training over our own step."""
    return LinePlot(
        title=title,
        x="step",
        y=[f"train/{name}" for name in names],
        range_y=(low, None),
        max_runs_to_show=MOST,
    )


def bars(title: str, *names: str) -> BarPlot:
    """Final values, a bar a run."""
    return BarPlot(
        title=title, metrics=[SummaryMetric(name) for name in names], max_bars_to_show=MOST
    )


def against(title: str, x: str, y: str, log_x: bool | None = None) -> ScatterPlot:
    """One final value against another, a point a run."""
    return ScatterPlot(title=title, x=SummaryMetric(x), y=SummaryMetric(y), log_x=log_x)


def metrics_of(workspace: Workspace) -> set[str]:
    """Return every name that a panel or a column looks up in the runs."""
    found: set[str] = set()
    for section in workspace.sections:
        for panel in section.panels:
            values = [
                value
                for field in ("x", "y", "metrics", "media_keys", "table_name")
                for value in listed(getattr(panel, field, None))
            ]
            found |= {getattr(value, "name", value) for value in values}
    return found | set(PINNED)


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as a list of one; nothing as an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def write(workspace: Workspace) -> str:
    """Return the workspace as JSON, in the form that wandb stores."""
    model = workspace._to_model()
    values = model.model_dump(mode="json", by_alias=True, exclude_none=True)
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Workspace:
    """Return the workspace of such JSON.

    Raises:
        ValueError: it is not one.
    """
    found: Workspace = Workspace._from_model(internal.View.model_validate_json(text))
    return found


def check(workspace: Workspace) -> None:
    """See that nothing is lost on the way to wandb and back.

    Raises:
        ValueError: something is.
    """
    first = write(workspace)
    back = read(first)
    kinds = [
        [(section.name, type(panel)) for section in whole.sections for panel in section.panels]
        for whole in (workspace, back)
    ]
    if kinds[0] != kinds[1] or write(back) != first:
        raise ValueError("the workspace that was read back is not the one that was written")


def save(workspace: Workspace) -> str:
    """Save the workspace to wandb, which needs an account; return its address."""
    if not workspace.entity:
        import wandb

        workspace.entity = wandb.Api().default_entity
    return str(workspace.save().url)
