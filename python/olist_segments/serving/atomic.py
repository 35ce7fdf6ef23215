"""Writing files that people keep."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from olist_segments.errors import UserError


def replace_file(file: Path, content: bytes, *, private: bool = False) -> None:
    """Put `content` in the place of `file` in one rename; what was there stays when anything fails.

    `private`: only its owner can read the file. UserError where it can't be written.
    """
    try:
        _replace(file, content, private)
    except OSError as error:
        raise UserError(
            f"'{file}' could not be written ({error.strerror}): name a file in a folder that exists and can be written."
        ) from error


def sync(path: Path) -> None:
    """Bring what was written to `path`, a file or a folder, to the disk; OSError where that can't be done."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(file: Path, content: bytes, private: bool) -> None:
    if file.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(file))
    # For its owner only, until it is whole.
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if not private:
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
        os.replace(name, file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
