"""The wandb workspace as code: a section for each question of the catalogue, costs and tables.

Building, writing and reading back need no account. wandb-workspaces hides the form that it sends
behind private methods (`_to_model`, `_from_model`); they are used here and nowhere else.
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

from dan_bench.loggers.offline import verdict_key
from dan_bench.metrics.catalogue import CURVES, MetricEntry, headlines, metrics
from dan_bench.report.verdicts import VERDICTS

PROJECT = "dan_bench"
NAME = "Is it noise? Is it gone?"
MOST = 100
"""Runs that a panel shows."""


def build(entity: str = "", project: str = PROJECT) -> Workspace:
    """Return the workspace.

    Args:
        entity: user or team that it is to be saved for.
        project: wandb project of the runs.
    """
    pinned = [f"summary:{verdict_key(name)}" for name in VERDICTS]
    pinned += [f"summary:{row.name}" for row in headlines()]
    workspace = Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[Section(name=name, panels=of, is_open=True) for name, of in panels().items()],
        settings=WorkspaceSettings(x_axis="step", max_runs=MOST),
        runset_settings=Runs(pinned_columns=pinned),
    )
    for section in workspace.sections:
        made: list[Any] = section.panels
        for place, panel in enumerate(made):
            # random by default, but equal workspaces are to be written equally
            named = f"{section.name}/{place}"
            panel._id = hashlib.sha256(named.encode()).hexdigest()[:12]
    return workspace


def panels() -> dict[str, list[Any]]:
    """Return the panels by section."""
    return {
        "training": [
            LinePlot(
                title=title(row),
                x="step",
                y=[f"train/{row.name}"],
                range_y=row.limits,
                max_runs_to_show=MOST,
            )
            for row in CURVES
        ],
        "noise": [
            *final("noise"),
            against(
                "Where collapse hides: entropy against dimensions",
                "shannon_bits",
                "effective_dimensions",
            ),
        ],
        "gone": [
            *final("gone"),
            against(
                "Gone, or hidden? At most over at least",
                "certified_destroyed",
                "percent_destroyed",
            ),
            against(
                "No more is destroyed than the fresh randomness allows (Shannon)",
                "cost/noise_bits",
                "percent_destroyed",
            ),
        ],
        "other": final("other"),
        "cost": [
            bars("seconds in total", "cost/seconds"),
            bars("training steps per second", "cost/steps_per_second"),
            bars("parameters", "cost/parameters"),
            against("The cost of noise", "cost/seconds", "joint_bits"),
        ],
        "samples": [
            MediaBrowser(title="data above, output below", media_keys=["samples"], num_columns=1),
            LinePlot(title="bytes of the output", x="step", y=["samples/bytes"]),
        ],
        "tables": [
            WeavePanelSummaryTable(table_name="leaderboard"),
            WeavePanelSummaryTable(table_name="table1"),
        ],
    }


def title(row: MetricEntry) -> str:
    """Return the title of a metric's panel, with the ideal value if there is one."""
    return f"{row.axis}; ideal {row.ideal_text}" if row.ideal_text else row.axis


def final(question: str) -> list[BarPlot]:
    """Return a panel for each metric that answers a question."""
    return [bars(title(row), row.name) for row in metrics().values() if row.question == question]


def bars(text: str, name: str) -> BarPlot:
    """Return final values as a bar for each run."""
    return BarPlot(title=text, metrics=[SummaryMetric(name)], max_bars_to_show=MOST)


def against(text: str, x: str, y: str) -> ScatterPlot:
    """Return one final value over another, a point for each run; costs on a logarithmic axis."""
    logarithmic = True if x.startswith("cost/") else None
    return ScatterPlot(title=text, x=SummaryMetric(x), y=SummaryMetric(y), log_x=logarithmic)


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
    """Check that writing and reading back loses nothing.

    Raises:
        ValueError: something was lost.
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
