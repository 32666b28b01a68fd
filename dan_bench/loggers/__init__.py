"""Loggers: wandb, TensorBoard and CSV. They work offline; the records remain the reference."""

from dan_bench.loggers.files import CsvSink, TensorBoardSink, summary_of
from dan_bench.loggers.wandb import WandbSink

__all__ = ["CsvSink", "TensorBoardSink", "WandbSink", "summary_of"]
