"""Which model, objective and output make sense together. The one place that knows.

`plan` refuses the others by their reason, and `python -m dan_bench.models.compatibility` prints
the table that README shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pkgutil import resolve_name

from dan_bench.config.schema import CONF
from dan_bench.models.gan import GAN
from dan_bench.models.outputs import OUTPUTS


@dataclass(frozen=True)
class Incompatibility:
    """Every triple of these that makes no sense: subclasses are meant too, and None is any."""

    reason: str
    """Why, and what to do instead."""
    model: type = object
    objective: type = object
    output: str | None = None

    def covers(self, model: type, objective: type, output: str) -> bool:
        """Return whether the triple is one of these."""
        return (
            issubclass(model, self.model)
            and issubclass(objective, self.objective)
            and self.output in (None, output)
        )


REFUSED = (
    Incompatibility(
        "gan makes data, whose black is not its white: output=torus must be sigmoid",
        model=GAN,
        output="torus",
    ),
)


def refusal(model: type, objective: type, output: str) -> str | None:
    """Return why that triple makes no sense, or None where it does."""
    reasons = (r.reason for r in REFUSED if r.covers(model, objective, output))
    return next(reasons, None)


def choices(group: str) -> dict[str, type]:
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


def table(models: Mapping[str, type], objectives: Mapping[str, type]) -> str:
    """Render in Markdown which triples train; a number is that of the reason below."""
    reasons: list[str] = []

    def cell(model: type, objective: type, output: str) -> str:
        reason = refusal(model, objective, output)
        if reason is None:
            return "yes"
        if reason not in reasons:
            reasons.append(reason)
        return f"no ({reasons.index(reason) + 1})"

    rows = [["model", "output", *objectives], ["---"] * (2 + len(objectives))]
    for (name, model), output in product(models.items(), OUTPUTS):
        cells = [cell(model, objective, output) for objective in objectives.values()]
        rows.append([name, output, *cells])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", *notes])


if __name__ == "__main__":
    print(table(choices("model"), choices("objective")))
