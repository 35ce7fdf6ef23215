"""Builds and publishes a tiny marketplace with the release of a checkout, twice, and packs what it leaves.

    CHECKOUT/.venv/bin/python tests/upgrade/make.py CHECKOUT PACKED

CHECKOUT: a folder with the sources of the release, installed (`git worktree add CHECKOUT TAG`, then `make install` in
it): what runs is that release in its own environment. PACKED: the file to write, a tar.xz of `warehouse.duckdb` and of
the folder `serving` with the newest build. The first night fits model version 1, the second fits version 2 on five
months more.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "python"))

from marketplaces import cut_at, read_tables, write_tables
from nights import ORDERS, SETTINGS

FIRST_NIGHT = dt.date(2018, 3, 31)
# Those of the releases packed so far, so that figures compare.
PACKED_SETTINGS = SETTINGS | {"ageing_noise_refits": 5}


def without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def live_two_nights(checkout: Path, home: Path) -> Path:
    """Build and publish both nights with the release in `checkout`, in `home`; the folder published last."""

    def run(*command: str, data: Path | None = None) -> None:
        environment = os.environ | {
            "OLIST_DATA_DIR": str(data),
            "OLIST_WAREHOUSE": str(home / "warehouse.duckdb"),
            "OLIST_SERVING_DIR": str(home / "serving"),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "logs"),
        }
        subprocess.run([sys.executable, "-m", *command], cwd=checkout, env=environment, check=True)

    generated = home / "generated"
    generate = ("olist_segments.cli", "generate", "--format", "parquet", "--orders", str(ORDERS))
    run(*generate, "--out", str(generated))
    tables = {name: table for name, table in read_tables(generated).items() if name != "planted_segments"}
    nights = {
        write_tables(cut_at(tables, FIRST_NIGHT), home / "first"): PACKED_SETTINGS,
        write_tables(tables, home / "second"): PACKED_SETTINGS | {"refit": True},
    }
    for data, variables in nights.items():
        build = ("dbt.cli.main", "--quiet", "build", "--exclude-resource-type", "unit_test")
        run(*build, "--vars", yaml.safe_dump(variables, default_flow_style=True), data=data)
        run("olist_segments.cli", "publish")
    return (home / "serving" / "current").resolve()


def main(checkout: Path, packed: Path) -> None:
    """See the module's docstring."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        shown = live_two_nights(checkout, home)
        for build_folder in (home / "serving" / ".builds").iterdir():
            if build_folder != shown:
                shutil.rmtree(build_folder)
        with tarfile.open(packed, "w:xz", preset=9) as archive:
            for name in ("serving", "warehouse.duckdb"):
                archive.add(home / name, name, filter=without_owner)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
