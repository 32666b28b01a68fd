"""Loggers: wandb, TensorBoard and CSV. They work offline; the records remain the reference."""

from dan_bench.loggers.csv_sink import CsvSink
from dan_bench.loggers.sink import summary_of
from dan_bench.loggers.tensorboard_sink import TensorBoardSink
from dan_bench.loggers.wandb_sink import WandbSink

__all__ = ["CsvSink", "TensorBoardSink", "WandbSink", "summary_of"]
