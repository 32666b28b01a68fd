"""The wandb workspace as code, built and read back without an account."""

import json
import re
import warnings
from pathlib import Path
from typing import Any

import pytest
from logged_runs import dashboard, inspect, of_type, summary_of
from wandb_server import Wandb

from dan_bench.dashboard import PROJECT
from dan_bench.loggers import offline
from dan_bench.loggers.tables import collect
from dan_bench.metrics.catalogue import metrics

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what wandb-workspaces uses of pydantic is deprecated
    from dan_bench.loggers.workspace import Workspace, build, check, read, write

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*smaller than the logging interval.*", "ignore:.*isinstance.treespec, LeafSpec.*"
)


def listed(value: Any) -> list[Any]:
    """A list as it is, nothing as an empty list, and anything else as a list of one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def metrics_of(workspace: Workspace) -> set[str]:
    """Every name that a panel or a column looks up in the runs."""
    found: set[str] = set()
    for section in workspace.sections:
        for panel in section.panels:
            values = [
                value
                for field in ("x", "y", "metrics", "media_keys", "table_name")
                for value in listed(getattr(panel, field, None))
            ]
            found |= {getattr(value, "name", value) for value in values}
    pinned = workspace.runset_settings.pinned_columns
    return found | {name.removeprefix("summary:") for name in pinned if name.startswith("summary:")}


def test_the_workspace_has_a_section_for_each_question() -> None:
    sections = {section.name: len(section.panels) for section in build().sections}
    expected = ["training", "noise", "gone", "other", "cost", "samples", "tables"]
    assert list(sections) == expected
    assert min(sections.values()) >= 2


def test_the_workspace_survives_being_written_and_read_back() -> None:
    made = build("a-team", "a-project")
    check(made)
    back = read(write(made))
    assert (back.entity, back.project, back.name) == ("a-team", "a-project", made.name)
    titles = [
        [(section.name, panel.title) for section in found.sections[:6] for panel in section.panels]
        for found in (made, back)
    ]
    assert titles[0] == titles[1]
    assert metrics_of(back) == metrics_of(made)
    assert write(back) == write(made)
    assert back.settings == made.settings
    assert back.runset_settings.pinned_columns == made.runset_settings.pinned_columns


def test_the_workspace_is_written_the_same_each_time() -> None:
    assert write(build()) == write(build())
    ids = re.findall(r'"__id__": "(\w+)"', write(build()))
    assert len(ids) == len(set(ids)) == sum(len(section.panels) for section in build().sections)


def test_a_workspace_that_loses_a_panel_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(text: str) -> Any:
        found = read(text)
        found.sections[0].panels = found.sections[0].panels[1:]
        return found

    monkeypatch.setattr("dan_bench.loggers.workspace.read", lossy)
    with pytest.raises(ValueError, match="not the one that was written"):
        check(build())


@pytest.mark.parametrize("text", ["{}", "no JSON", '{"entity": 1}'])
def test_what_is_no_workspace_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        read(text)


def test_every_panel_looks_up_what_runs_really_log(results: Path) -> None:
    (run,) = [run for run in offline.runs(results) if "-tables-" not in run.name]
    records = inspect(run)
    logged = set(summary_of(records)) | set(collect(results)) | metrics().keys()
    logged |= {name for entry in of_type(records, "history") for name in entry["item"]}
    logged |= {name.rpartition(".")[0] for name in logged}  # an image is samples.path and more
    assert metrics_of(build()) - logged == set()
    with_made_up = build()
    with_made_up.sections[0].panels[0].y = ["train/made_up"]
    assert metrics_of(with_made_up) - logged == {"train/made_up"}


def test_with_an_account_the_workspace_is_saved_to_it(
    tmp_path: Path, server: tuple[Wandb, dict[str, str]]
) -> None:
    wandb, account = server
    ended = dashboard(tmp_path, "workspace", "--save", account=account)
    assert ended.returncode == 0, ended.stderr
    assert "saved: http" in ended.stdout
    (view,) = [asked for name, asked in wandb.requests if name == "UpsertView2"]
    assert (view["entityName"], view["projectName"]) == ("me", PROJECT)
    assert json.loads(view["spec"]) == json.loads(write(build()))["spec"]
