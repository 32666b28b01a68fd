"""Which model, objective and output make sense together, as README's table shows it.

Each model's class says itself what it refuses; `python -m dan_bench.models.compatibility` prints
the table.
"""

from collections.abc import Mapping
from itertools import product
from pkgutil import resolve_name
from typing import Any

from dan_bench.config.schema import CONF
from dan_bench.models.outputs import OUTPUTS


def choices(group: str) -> dict[str, Any]:
    """Return the classes that the files of a group of conf/ name; of models, the learned ones."""
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(CONF), version_base="1.3"):
        files = sorted((CONF / group).glob("*.yaml"))
        parts = [compose(f"{group}/{path.stem}")[group] for path in files]
    return {
        part.name: resolve_name(part._target_)
        for part in parts
        if part.get("kind", "learned") == "learned"
    }


def table(models: Mapping[str, Any], objectives: Mapping[str, Any]) -> str:
    """Render in Markdown which triples train; a number is that of the reason below."""
    reasons: dict[str, int] = {}
    rows = [["model", "output", *objectives], ["---"] * (2 + len(objectives))]
    for (name, model), output in product(models.items(), OUTPUTS):
        refusals = [model.refusal(objective, output) for objective in objectives.values()]
        cells = [
            "yes" if reason is None else f"no ({reasons.setdefault(reason, len(reasons) + 1)})"
            for reason in refusals
        ]
        rows.append([name, output, *cells])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"{number}. {reason}" for reason, number in reasons.items()]
    return "\n".join([*lines, "", *notes])


if __name__ == "__main__":
    print(table(choices("model"), choices("objective")))
