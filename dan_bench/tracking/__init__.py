"""Loggers: sinks that a run pours into. Offline, and never the truth: the records are."""

from dan_bench.tracking.csv_sink import CsvSink
from dan_bench.tracking.pictures import Sample, Samples, picture
from dan_bench.tracking.sink import SampleSink, Sink, summary_of
from dan_bench.tracking.snapshots import Snapshots
from dan_bench.tracking.tensorboard_sink import TensorBoardSink
from dan_bench.tracking.wandb_sink import WandbSink

__all__ = [
    "CsvSink",
    "Sample",
    "SampleSink",
    "Samples",
    "Sink",
    "Snapshots",
    "TensorBoardSink",
    "WandbSink",
    "picture",
    "summary_of",
]
