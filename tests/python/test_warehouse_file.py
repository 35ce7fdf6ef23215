"""The warehouse may be called anything and lie anywhere; what can't be a warehouse is told in one sentence."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from faults import Project, RunnerOf, as_nobody
from marks import slow_after
from olist_segments.errors import UserError
from olist_segments.serving.reader import attach_warehouse, open_warehouse
from warehouses import PROJECT, Warehouse

# Names of schemas and catalogs, words of SQL, endings of other formats, and marks that a shell or SQL reads.
NAMES = [
    "raw.duckdb",
    "main.duckdb",
    "temp.duckdb",
    "system.duckdb",
    "memory.duckdb",
    "build_log.duckdb",
    "information_schema.duckdb",
    "select.duckdb",
    "o'brien.duckdb",
    'a "b" c.duckdb',
    "olist[1]*?.duckdb",
    "md:olist.duckdb",
    "são paulo; --.db",
    ".hidden",
    "olist.2018.08.csv",
    "2018",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_warehouse_may_have_any_name(project: Project, name: str) -> None:
    project.warehouse = project.warehouse.with_name(name)

    run = project.run("stg_olist__orders", "stg_olist__geolocation")

    assert run.success, run.log
    assert project.warehouse.is_file()
    with open_warehouse(project.warehouse) as connection:
        counts = "select (select count(*) from stg_olist__orders), (select count(*) from stg_olist__geolocation)"
        assert connection.sql(counts).fetchall() == [(2, 2)]
    with duckdb.connect() as connection:
        attach_warehouse(connection, project.warehouse)
        assert connection.sql("select count(*) from warehouse.main.stg_olist__orders").fetchall() == [(2,)]


def test_a_relative_name_is_no_address_and_no_number(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names that another program would take for an extension to install, a database in the cloud or a number."""
    monkeypatch.chdir(tmp_path)
    for name in ("sqlite:olist.db", "2018", "1e3", "true", "~"):
        project.warehouse = Path(name)
        monkeypatch.setenv("OLIST_WAREHOUSE", name)
        run = project.run(options=["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)])
        assert run.success, run.log
        assert (tmp_path / name).is_file()


def put_nothing(path: Path) -> None:
    path.write_bytes(b"")


def put_folder(path: Path) -> None:
    path.mkdir()


def put_text(path: Path) -> None:
    path.write_text("notes of the meeting\n" * 1000, encoding="utf-8")


def put_parquet(path: Path) -> None:
    with duckdb.connect() as connection:
        connection.sql("select 1 as a").write_parquet(str(path))


IS_NO_DATABASE = (
    "is not a DuckDB database: move it away to have dbt build make it anew, or set OLIST_WAREHOUSE to another"
)


@pytest.mark.parametrize(
    ("name", "put", "sentence"),
    [
        ("w.duckdb", put_folder, "'{path}' is a folder: set OLIST_WAREHOUSE to a file in it."),
        ("w.duckdb", put_text, f"'{{path}}' {IS_NO_DATABASE} file."),
        ("w.duckdb", put_nothing, f"'{{path}}' {IS_NO_DATABASE} file."),
        ("w.parquet", put_parquet, f"'{{path}}' {IS_NO_DATABASE} file."),
    ],
    ids=["folder", "text", "empty", "parquet"],
)
def test_what_is_no_warehouse_is_told_in_one_sentence_and_left_alone(
    project: Project, name: str, put: Callable[[Path], None], sentence: str
) -> None:
    project.warehouse = path = project.warehouse.with_name(name)
    put(path)
    before = None if path.is_dir() else path.read_bytes()

    run = project.run()

    assert not run.success
    assert sentence.format(path=path) in run.log
    assert "Traceback" not in run.log_file
    assert path.is_dir() if before is None else path.read_bytes() == before
    expected = f"there is no warehouse at '{path}'" if before is None else sentence.format(path=path)
    with pytest.raises(UserError) as told:
        open_warehouse(path)
    assert str(told.value).startswith(expected)


def test_a_folder_that_does_not_exist_is_named_and_not_made(project: Project) -> None:
    home = project.warehouse.parent
    project.warehouse = home / "no" / "such" / "folder" / "w.duckdb"

    run = project.run()

    assert not run.success
    folder = project.warehouse.parent
    assert f"the folder '{folder}' does not exist: make it, or set OLIST_WAREHOUSE to another file." in run.log
    assert "Traceback" not in run.log_file
    assert not (home / "no").exists()


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("mode", [0o000, 0o444], ids=["not to be read", "not to be written"])
def test_a_warehouse_of_somebody_else_is_told_in_one_sentence(runner_of: RunnerOf, mode: int) -> None:
    # Not under pytest's own folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory() as home:
        p = Project(runner_of, Path(home))
        duckdb.connect(str(p.warehouse)).close()
        with as_nobody(Path(home)):
            p.warehouse.chmod(mode)
            run = p.run()
            assert not run.success
            assert (
                f"'{p.warehouse}' can't be opened (permission denied): let the user that runs this read it" in run.log
            )
            assert "Traceback" not in run.log_file


@pytest.mark.parametrize("limit", ["lots", "150%", "8"])
def test_a_memory_limit_that_is_none_is_told_in_one_sentence(
    project: Project, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLIST_MEMORY_LIMIT", limit)

    run = project.run()

    assert not run.success
    assert f"OLIST_MEMORY_LIMIT is '{limit}', which DuckDB can't work with: write it like 4GB or 80%." in run.log
    assert "Traceback" not in run.log_file


def test_an_empty_setting_is_an_unset_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OLIST_MEMORY_LIMIT", "OLIST_TEMP_DIR"):
        monkeypatch.setenv(name, "")

    run = project.run()

    assert run.success, run.log


@pytest.mark.slow
def test_the_project_may_lie_in_any_folder(tmp_path: Path) -> None:
    """Beside it lies a folder that the name, taken for a pattern, would match."""
    folder = tmp_path / 'L\'Oréal [1] "é" *'
    beside = tmp_path / 'L\'Oréal 1 "é" x'
    for part in ("dbt_project.yml", "profiles.yml"):
        folder.mkdir(exist_ok=True)
        shutil.copy(PROJECT / part, folder)
    for part in ("connectors", "models", "macros", "seeds", "analyses", "tests/generic", "data/sample"):
        shutil.copytree(PROJECT / part, folder / part)
    shutil.copytree(folder, beside)
    (beside / "seeds" / "brazil_states.csv").write_text("decoy\n", encoding="utf-8")
    environment = os.environ | {
        "OLIST_WAREHOUSE": "w.duckdb",
        "OLIST_DATA_DIR": "",
        "OLIST_SERVING_DIR": "",
    }

    command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "build", "--select", "brazil_states"]
    command += ["stg_olist__orders", "--exclude-resource-type", "test", "unit_test"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    with open_warehouse(folder / "w.duckdb") as connection:
        assert connection.sql("select count(*) from brazil_states").fetchall() == [(27,)]
        assert connection.sql("select count(*) from stg_olist__orders").fetchall() == [(3000,)]


OUTPUTS = ["--help", "summary", "audience loyal_repeaters --out {home}/a.csv", "contract", "contract --format json"]
OUTPUTS += ["publish", "report --out {home}/r.html", "generate --orders 200 --out {home}/data"]


@pytest.mark.parametrize("command", slow_after(1, OUTPUTS), ids=lambda command: command.partition("{")[0].strip())
def test_a_command_whose_reader_has_left_does_its_work_and_keeps_its_exit_code(
    built_tonight: Warehouse, tmp_path: Path, command: str
) -> None:
    """Whether Python writes at once or when its buffer is full or the command ends."""
    arguments = [sys.executable, "-m", "olist_segments.cli", *command.format(home=tmp_path).split()]
    environment = built_tonight.environment
    environment["OLIST_SERVING_DIR"] = str(tmp_path / "serving") if command == "publish" else str(built_tonight.serving)
    heard = subprocess.run(arguments, env=environment, capture_output=True, text=True)
    assert heard.stdout

    # All commands print in one place, so those that take long are tried once.
    for unbuffered in ("",) if command.startswith(("report", "publish")) else ("", "1"):
        reading, writing = os.pipe()
        os.close(reading)
        with contextlib.closing(os.fdopen(writing, "wb")) as closed:
            unheard = subprocess.run(
                arguments,
                env=environment | {"PYTHONUNBUFFERED": unbuffered},
                stdout=closed,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert (unheard.returncode, unheard.stderr) == (heard.returncode, heard.stderr), f"unbuffered: {unbuffered}"


def test_a_fault_is_told_though_nobody_reads_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with contextlib.closing(os.fdopen(writing, "wb")) as closed:
        for arguments in (["summary"], ["nonsense"]):
            done = subprocess.run(
                [sys.executable, "-m", "olist_segments.cli", *arguments],
                env=os.environ | {"OLIST_WAREHOUSE": str(tmp_path / "none.duckdb")},
                stdout=closed,
                stderr=closed,
            )
            assert done.returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only where there is a device that is always full")
def test_an_output_that_can_not_be_written_is_told_in_one_sentence(built: Warehouse) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "olist_segments.cli", "summary"],
            env=built.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert done.returncode == 2
    assert done.stderr == (
        "olist-segments: the output could not be written (No space left on device): send it somewhere else.\n"
    )
