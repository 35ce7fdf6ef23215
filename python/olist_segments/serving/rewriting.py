"""Writing the warehouse file anew, so that nothing of what was deleted is left in it.

DuckDB frees the blocks of deleted rows but does not overwrite them, and a block that two tables share keeps the rows of
the one that is gone; whoever reads the bytes of the file still finds them. A copy made of what the tables hold has none
of that.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from olist_segments.serving.atomic import sync
from olist_segments.serving.reader import sql_text

# A file that an earlier release built last has none.
_HAS_NOTES = """
    select column_name from duckdb_columns()
    where database_name = 'fresh' and table_name = 'builds' and column_name = 'rewritten_at'
"""
_NOTE = "update fresh.build_log.builds set rewritten_at = $now where rewritten_at is null"


def rewrite(warehouse: Path) -> None:
    """Put a copy of what the tables of `warehouse` hold in its place, in one rename.

    The file is locked meanwhile. duckdb.Error or OSError, with the file as it was, where another process has it open or
    the copy can't be written.
    """
    file = warehouse.resolve()
    fresh = file.with_name(f"{file.name}.fresh")
    _remove(fresh)
    try:
        with duckdb.connect() as connection:
            connection.execute(f"set temp_directory = {sql_text(_spill_folder(warehouse))}")
            connection.execute(f"attach {sql_text(file)} as warehouse")
            # What a killed run left beside the file is taken in, as it would not fit the new one.
            connection.execute("checkpoint warehouse")
            connection.execute(f"attach {sql_text(fresh)} as fresh")
            connection.execute("copy from database warehouse to fresh")
            if connection.execute(_HAS_NOTES).fetchall():
                connection.execute(_NOTE, {"now": datetime.now(UTC).replace(tzinfo=None)})
            connection.execute("detach fresh")
            shutil.copymode(file, fresh)
            sync(fresh)
            # Still locked: nobody can have begun to write to the file that goes.
            fresh.replace(file)
            sync(file.parent)
            _remove_spilled(_spill_folder(warehouse))
    finally:
        _remove(fresh)


def _spill_folder(warehouse: Path) -> Path:
    """Where builds spill to unless told otherwise."""
    return Path(f"{warehouse}.tmp")


def _remove_spilled(folder: Path) -> None:
    """Remove what killed builds spilled beside the warehouse, which nobody has open."""
    for path in folder.glob("duckdb_temp_*"):
        path.unlink()
    with suppress(OSError):
        folder.rmdir()


def _remove(database: Path) -> None:
    for path in (database, database.with_name(f"{database.name}.wal")):
        path.unlink(missing_ok=True)
