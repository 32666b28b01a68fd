"""An erasure that is killed at a chosen system call, in a process of its own."""

import os
import signal

import dan_bench.erase.eraser as eraser
import dan_bench.erase.overwrite as overwriting
import dan_bench.erase.task as task
from dan_bench.erase import FastNoise, erase, pending, plan_erasure, restore_names

CHANGING = (
    "write", "pwrite", "fsync", "fdatasync", "rename", "link", "unlink", "ftruncate", "utime",
)  # fmt: skip
"""Their number does not depend on how deep the files lie."""
CALLS = (*CHANGING, "open", "close", "preadv")


def command(paths, journal, **options):
    """Do what the command line does: go on where an earlier attempt was ended."""
    resumed = pending(journal, paths) is not None
    if resumed:
        restore_names(journal)
    plan = plan_erasure(paths, may_be_gone=resumed)
    return erase(plan, FastNoise(), journal=journal, **options)


def killed_at(number, paths, journal, calls=CALLS, **options):
    """Run the command in a child, which is killed at its system call of that number.

    Returns whether it was killed; it ends by itself if it makes fewer calls.
    """
    child = os.fork()
    if child == 0:
        try:
            small_batches()
            _kill_after(number, calls)
            command(paths, journal, **options)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def small_batches():
    """Have few files make many batches, and some be streamed in many pieces."""
    overwriting.PIECE, eraser.SMALL, eraser.TOGETHER = 1 << 14, 20_000, 5


small_batches.changed = ((overwriting, "PIECE"), (eraser, "SMALL"), (eraser, "TOGETHER"))


def _kill_after(number, calls):
    left = [number]

    def counted(real):
        def call(*arguments, **named):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **named)

        return call

    for name in calls:
        setattr(os, name, counted(getattr(os, name)))
    if task._syncfs is not None:
        task._syncfs = counted(task._syncfs)
