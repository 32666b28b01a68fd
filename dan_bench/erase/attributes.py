"""Extended attributes: what a file holds beside its data, in the file system's own blocks."""

import errno
import os

NOT_LISTED = "extended attributes were not erased: they cannot be listed ({})"
STREAMS = "ntfs.streams.list"
"""NTFS-3G lists a file's named streams here, each ended by a null byte."""
LABELS = ("selinux", "capability", "ima", "evm", "apparmor")
NOT_DATA = ("system.", "security.SMACK64")
"""Of the kernel's own: labels, capabilities and access lists (xattr(7)). Root may give others in
`security.` whatever value."""


def attribute_names(handle: int) -> list[str]:
    """Return the names of all extended attributes that hold somebody's data.

    Raises:
        OSError: they cannot be listed: those of xfs and btrfs may be more than a list can have.
    """
    kernel_s = {f"security.{label}" for label in LABELS}
    try:
        names = os.listxattr(handle)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return []
        raise
    return [name for name in names if not name.startswith(NOT_DATA) and name not in kernel_s]


def stream_names(handle: int) -> list[str]:
    """Return the names of a file's named streams (NTFS), the file's own data excepted."""
    try:
        listed = os.getxattr(handle, STREAMS)
    except OSError:
        return []
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def why_attributes_doubted(handle: int) -> tuple[str, ...]:
    """Return what attributes and streams there are: none of their old values is seen to go."""
    try:
        of_attributes = [
            f"extended attribute {name!r}: the file system's own blocks, or its journal, may keep "
            "its old value"
            for name in attribute_names(handle)
        ]
    except OSError as error:
        of_attributes = [NOT_LISTED.format(error.strerror)]
    of_streams = [f"named stream {name!r} is not erased" for name in stream_names(handle)]
    return (*of_attributes, *of_streams)


def erase_attributes(handle: int) -> tuple[str, ...]:
    """Overwrite the values of all extended attributes with random bytes, then remove them.

    Returns:
        What could not be done, each as a text.
    """
    failed: list[str] = []
    try:
        names = attribute_names(handle)
    except OSError as error:
        return (NOT_LISTED.format(error.strerror),)
    for name in names:
        try:
            if n := len(os.getxattr(handle, name)):
                os.setxattr(handle, name, os.urandom(n), os.XATTR_REPLACE)
                os.fsync(handle)  # else the random bytes never get where the value was
            os.removexattr(handle, name)
        except OSError as error:
            failed.append(f"extended attribute {name!r} was not erased: {error.strerror}")
    return tuple(failed)
