"""Writing the campaign log: one file per campaign, whole or not at all, never changed by a launch."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from olist_segments.campaigns.inputs import LOG_COLUMNS
from olist_segments.errors import UserError
from olist_segments.serving.atomic import sync
from olist_segments.serving.reader import sql_text

_LOCK = ".lock"
_ENDING = ".parquet"
_UNFINISHED = ".unfinished"


def log_file(folder: Path, campaign: str) -> Path:
    """Where the log of `campaign` is, if it was launched."""
    return folder / f"{campaign}{_ENDING}"


def unfinished_file(file: Path) -> Path:
    """Where a file of the log is written before it is put in its place; `held` removes it after a kill."""
    return file.with_name(f".{file.name}{_UNFINISHED}")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Nobody else launches or forgets while the block runs; what killed launches left behind is removed first.

    The folder is made where it is missing. UserError where another holds it, or where it can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / _LOCK, "a")  # noqa: SIM115
    except OSError as error:
        raise UserError(
            f"'{folder}' can't be written ({error.strerror}): set OLIST_CAMPAIGN_DIR to a folder that can."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"another launch or forget is writing to '{folder}': wait for it to end and try again."
            ) from error
        for leftover in folder.glob(f".*{_UNFINISHED}"):
            leftover.unlink()
        yield


def write_log(connection: duckdb.DuckDBPyConnection, rows: str, folder: Path, campaign: str) -> Path:
    """Put the rows of the table `rows` into the log as the file of `campaign`, and give its path.

    To be called while `folder` is `held`. UserError, with nothing written, where the campaign is there already or the
    file can't be written.
    """
    file = log_file(folder, campaign)
    unfinished = unfinished_file(file)
    columns = ", ".join(f"{name}::{kind} as {name}" for name, kind in LOG_COLUMNS.items())
    try:
        try:
            connection.execute(
                f"copy (select {columns} from {rows} order by customer_unique_id) to {sql_text(unfinished.absolute())} "
                "(format parquet)"
            )
            umask = os.umask(0)
            os.umask(umask)
            unfinished.chmod(0o444 & ~umask)
            sync(unfinished)
            # Fails where the name is taken; a rename would not.
            os.link(unfinished, file)
        finally:
            unfinished.unlink(missing_ok=True)
        sync(folder)
    except FileExistsError as error:
        raise already_there(file) from error
    except (OSError, duckdb.IOException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0].rstrip(".")
        raise UserError(
            f"'{file}' could not be written ({reason}): set OLIST_CAMPAIGN_DIR to a folder that can be written."
        ) from error
    return file


def already_there(file: Path) -> UserError:
    """What to say of a campaign that was launched before."""
    return UserError(
        f"the campaign '{file.stem}' is in the log already ('{file}'): give the new one another name, or write the "
        f"lists of the old one with olist-segments campaign lists {file.stem} --out FOLDER."
    )
