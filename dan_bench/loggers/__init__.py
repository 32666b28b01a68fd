"""Loggers: wandb, TensorBoard and CSV. They work offline; the records remain the reference.

Each is imported when it is first used: CSV needs the extra `train` alone, uploads `loggers` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dan_bench.loggers.files import CsvSink, TensorBoardSink, summary_of
    from dan_bench.loggers.wandb import WandbSink

__all__ = ["CsvSink", "TensorBoardSink", "WandbSink", "summary_of"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "wandb" if name == "WandbSink" else "files"
    return getattr(import_module(f"{__name__}.{module}"), name)
