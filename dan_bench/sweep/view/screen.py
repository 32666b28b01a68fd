"""`runtime.progress=auto` on a terminal: a screen of its own, which leaves what matters behind."""

import io
import signal
import sys
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import Any, Self

from rich.console import Console
from rich.live import Live

from dan_bench.sweep.board import SweepState
from dan_bench.sweep.view.frame import FinalFrame, Frame
from dan_bench.sweep.view.plain import ConsoleView


def end_by_signal(number: int, _: Any) -> None:
    """End this process in the orderly way, which gives the terminal back."""
    raise SystemExit(128 + number)


class Screen(ConsoleView):
    """The terminal's other screen while jobs run; how it stood at the end is left on the first.

    On a screen of its own a frame is always drawn whole, however the terminal is resized. What
    others print meanwhile, such as warnings, would be drawn over: it comes out at the end.
    """

    repeats_failures = False  # they stand above the table

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(file=sys.stdout, highlight=False)
        self._board: SweepState | None = None
        self._opened = ExitStack()
        self._said = io.StringIO()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            before = signal.signal(signal.SIGTERM, end_by_signal)
            opened.callback(signal.signal, signal.SIGTERM, before)
            opened.enter_context(redirect_stdout(self._said))
            opened.enter_context(redirect_stderr(self._said))
            live = Live(
                console=self._console,
                screen=True,
                redirect_stdout=False,
                redirect_stderr=False,
                get_renderable=self._frame,
            )
            opened.enter_context(live)
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
        if self._board is not None:
            self._console.print(FinalFrame(self._board), soft_wrap=True)
        print(self._said.getvalue(), end="", file=sys.stderr, flush=True)

    def _frame(self) -> Frame | str:
        return Frame(self._board) if self._board is not None else ""

    def tick(self, board: SweepState) -> None:
        """Have it drawn: Live does so four times a second."""
        self._board = board
