"""A tiny marketplace on two nights, and the settings under which a whole build of it takes seconds."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from marketplaces import cut_at, read_tables, write_tables
from warehouses import FEW_CANDIDATES, Warehouse

ORDERS = 600
LAST_NIGHT = dt.date(2018, 6, 14)
# Everything runs, the simulation of ageing included, each part over little.
SETTINGS: dict[str, object] = FEW_CANDIDATES | {
    "candidate_k_max": 4,
    "stability_resamples": 10,
    "ageing_horizon_days": 28,
    "ageing_origin_days": 56,
    "ageing_min_customers": 200,
    "ageing_resamples": 20,
}
REFIT = SETTINGS | {"refit": True}
# A build that may be published: all but the unit tests.
WHOLE = ("build", "--exclude-resource-type", "unit_test")


@dataclass(frozen=True)
class Nights:
    """The nine files as exported last night, and tonight."""

    last: Path
    tonight: Path

    @classmethod
    def of(cls, folder: Path) -> Nights:
        return cls(folder / "last", folder / "tonight")


def two_nights(folder: Path) -> Nights:
    """Generate the marketplace into `folder`."""
    generated = folder / "generated"
    command = [sys.executable, "-m", "olist_segments.cli", "generate", "--format", "parquet", "--orders", str(ORDERS)]
    subprocess.run([*command, "--out", str(generated)], check=True, capture_output=True)
    tables = {name: table for name, table in read_tables(generated).items() if name != "planted_segments"}
    nights = Nights.of(folder)
    write_tables(cut_at(tables, LAST_NIGHT), nights.last)
    write_tables(tables, nights.tonight)
    return nights


def copy_of(warehouse: Warehouse, home: Path) -> Warehouse:
    """The warehouse and what was published from it, in a folder of their own."""
    copied = Warehouse(home)
    home.mkdir(parents=True)
    shutil.copy(warehouse.path, copied.path)
    shutil.copytree(warehouse.serving, copied.serving, symlinks=True)
    return copied
