"""Publishing in a process of its own, and holding what was published against its manifest."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
from olist_segments.serving.publish import publish
from warehouses import PROJECT, Warehouse

# Ten members leave a segment, in two tables that agree before and after.
LEAVE = """
    begin;
    delete from customer_segments where customer_unique_id in (
        select customer_unique_id from customer_segments where segment_key = $key order by customer_unique_id limit 10
    );
    update segment_profiles set customer_count = customer_count - 10 where segment_key = $key;
    commit;
"""
PUBLISH = (sys.executable, "-m", "olist_segments.cli", "publish")


def change(warehouse: Warehouse, sql: str) -> None:
    with duckdb.connect(str(warehouse.path)) as connection:
        connection.execute(sql)


def note_as_whole(warehouse: Warehouse) -> None:
    """Have the newest build taken for one whose data tests ran and passed, where these are not what is tested."""
    change(
        warehouse,
        "update build_log.builds set is_whole = true where rowid = (select max(rowid) from build_log.builds); "
        "update build_log.dates_built set is_tested = true",
    )


def run_publish(warehouse: Warehouse, *command: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command or PUBLISH,
        cwd=PROJECT,
        env=warehouse.environment,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def served(folder: Path, sql: str) -> Any:
    with duckdb.connect(str(folder / "segments.duckdb"), read_only=True) as connection:
        return connection.sql(sql).fetchall()


def checked_manifest(folder: Path) -> dict[str, Any]:
    """The manifest, every file of it held against its size, its checksum and its rows."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    counted = dict(served(folder, "select table_name, estimated_size from duckdb_tables()"))
    assert set(counted) == set(manifest["tables"])
    for table, entry in manifest["tables"].items():
        assert entry["rows"] == counted[table]
        assert entry["file"] == f"parquet/{table}.parquet"
    listed = [manifest["database"], *manifest["tables"].values(), *manifest["versions"].values()]
    for entry in listed:
        path = folder / entry["file"]
        content = path.read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
        assert path.stat().st_mode & 0o777 == 0o444
        if "rows" in entry:
            assert duckdb.execute(f"select count(*) from '{path}'").fetchall() == [(entry["rows"],)]
    there = {path.relative_to(folder) for path in (folder / "parquet").iterdir()} | {
        path.relative_to(folder) for path in (folder / "versions").iterdir()
    }
    assert there == {Path(entry["file"]) for entry in listed[1:]}
    return manifest


def next_build(warehouse: Warehouse) -> None:
    """A build with ten members of the largest segment less, published."""
    with duckdb.connect(str(warehouse.path)) as connection:
        largest = connection.sql("select max_by(segment_key, customer_count) from segment_profiles").fetchall()[0][0]
        for statement in LEAVE.split(";")[:-1]:
            connection.execute(statement, {"key": largest} if "$key" in statement else None)
    publish(warehouse.serving, warehouse.path)
