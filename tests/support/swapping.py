"""A second process that swaps things for links while they are walked and overwritten."""

import contextlib
import multiprocessing
import os
import stat


class Swapper:
    """A process that puts links to the canaries in the place of what lies in a tree, and back."""

    def __init__(self):
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=swap_for_ever, args=(theirs,), daemon=True)
        self._process.start()

    @contextlib.contextmanager
    def at_work(self, scene):
        self._ours.send((str(scene.root), str(scene.outside), str(scene.base / "parked")))
        try:
            assert self._ours.recv() == "begun"
            yield
        finally:
            self._ours.send("stop")
            self.swaps = self._ours.recv()

    def close(self):
        self._process.kill()
        self._process.join()


def swap_for_ever(pipe):
    """Swap each entry in turn, until told to stop; leave the tree as it was."""
    while True:
        root, outside, parked = pipe.recv()
        os.mkdir(parked)
        entries = [
            (folder, name)
            for folder, folders, files in os.walk(os.fsencode(root))
            for name in folders + files
            if len(folder) < 3000
        ]
        swaps = 0
        begun = False
        while not pipe.poll():
            for number, (folder, name) in enumerate(entries):
                with contextlib.suppress(OSError):
                    swap(folder + b"/" + name, outside, os.fsencode(parked), number + swaps)
                    swaps += 1
                if pipe.poll():
                    break
            if not begun:
                pipe.send("begun")  # after a whole round, whatever the scheduler does next
                begun = True
            if not entries and pipe.poll(0.01):
                break
        pipe.recv()
        pipe.send(swaps)


def swap(path, outside, parked, turn):
    is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
    os.rename(path, parked + b"/it")
    try:
        if is_folder:
            os.symlink(os.fsencode(outside), path)
        elif turn % 2:
            os.symlink(os.fsencode(outside) + b"/one", path)
        else:
            os.link(os.fsencode(outside) + b"/two", path)
        os.unlink(path)
    finally:
        os.rename(parked + b"/it", path)
