"""Terminals whose screens can be read, by means of tmux."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

TMUX = shutil.which("tmux")
needs_tmux = pytest.mark.skipif(TMUX is None, reason="needs tmux, whose screens can be read")


class Terminal:
    """A program in a terminal of its own, and what is on its screen."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        command: Sequence[str] = ("sh",),
        size: tuple[int, int] = (80, 24),
    ) -> None:
        assert TMUX is not None
        self._tmux = [TMUX, "-S", str(folder / "tmux"), "-f", os.devnull]
        self._environment = {**environment, "TERM": "xterm-256color", "PS1": "$ "}
        width, height = map(str, size)
        self._run("new-session", "-d", "-x", width, "-y", height, *command)

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [*self._tmux, *arguments]
        return subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )

    def type(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        self._run("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        return self._run("capture-pane", "-p").stdout

    def everything(self) -> str:
        """What has scrolled away, too, with wrapped lines joined."""
        return self._run("capture-pane", "-p", "-J", "-S", "-200").stdout

    def is_sane(self) -> bool:
        """Whether it shows its first screen, and a cursor."""
        state = self._run("display", "-p", "#{alternate_on} #{cursor_flag}").stdout
        return state.split() == ["0", "1"]

    def until(self, happened: Callable[[str], object], seconds: float = 120) -> str:
        """The screen as soon as it shows this."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if happened(screen := self.screen()):
                return screen
            time.sleep(0.1)
        raise AssertionError(self.everything())

    def ends(self, seconds: float = 30) -> bool:
        """Whether the program ends within this time."""
        end = time.monotonic() + seconds
        while self._run("has-session").returncode == 0:
            if time.monotonic() > end:
                return False
            time.sleep(0.2)
        return True

    def close(self) -> None:
        self._run("kill-server")
