"""Extended attributes: what a file holds beside its data, in the file system's own blocks."""

import os

STREAMS = "ntfs.streams.list"
"""NTFS-3G lists a file's named streams here, each ended by a null byte."""
NOT_DATA = ("security.", "system.")
"""Of the kernel's own: labels, capabilities and access lists (xattr(7))."""


def attribute_names(handle: int) -> list[str]:
    """Return the names of all extended attributes that hold somebody's data."""
    try:
        return [name for name in os.listxattr(handle) if not name.startswith(NOT_DATA)]
    except OSError:
        return []


def stream_names(handle: int) -> list[str]:
    """Return the names of a file's named streams (NTFS), the file's own data excepted."""
    try:
        listed = os.getxattr(handle, STREAMS)
    except OSError:
        return []
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def why_attributes_doubted(handle: int) -> tuple[str, ...]:
    """Return what attributes and streams there are: none of their old values is seen to go."""
    of_attributes = [
        f"extended attribute {name!r}: the file system's own blocks, or its journal, may keep its "
        "old value"
        for name in attribute_names(handle)
    ]
    of_streams = [f"named stream {name!r} is not erased" for name in stream_names(handle)]
    return (*of_attributes, *of_streams)


def erase_attributes(handle: int) -> tuple[str, ...]:
    """Overwrite the values of all extended attributes with random bytes, then remove them.

    Returns:
        What could not be done, each as a text.
    """
    failed = []
    for name in attribute_names(handle):
        try:
            if n := len(os.getxattr(handle, name)):
                os.setxattr(handle, name, os.urandom(n), os.XATTR_REPLACE)
                os.fsync(handle)  # else the random bytes never get where the value was
            os.removexattr(handle, name)
        except OSError as error:
            failed.append(f"extended attribute {name!r} was not erased: {error.strerror}")
    return tuple(failed)
