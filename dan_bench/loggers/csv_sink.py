"""`logger=csv`: a metrics.csv and an hparams.yaml a job."""

from pathlib import Path
from typing import Any

from pytorch_lightning.loggers import CSVLogger

from dan_bench.interfaces import RunRecord
from dan_bench.loggers.sink import failed, summary_of


class CsvSink(CSVLogger):
    """A metrics.csv and an hparams.yaml a job."""

    def __init__(self, *, title: str, group: str, config: dict[str, Any], results: Path) -> None:
        super().__init__(
            Path(results) / "csv", name=group, version=f"{title}-{config['key']}".replace(" ", "-")
        )
        self.log_hyperparams(config)

    def close(self, record: RunRecord | None, folder: Path) -> None:
        """Write the final metrics as the last row."""
        final = summary_of(record.metrics) if record is not None else {}
        self.log_metrics({**final, "failed": float(failed(record))})
        self.finalize("failed" if failed(record) else "success")
