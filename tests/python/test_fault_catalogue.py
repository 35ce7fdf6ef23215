"""The fault catalogue, walked through: each case is refused with its sentence, or built with its rows counted.

The cases are data, in tests/faults/catalogue.yml. None may give a stack trace, a wrong total, or change half of what is
there.
"""

from __future__ import annotations

import contextlib
import csv
import io
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.cli.main import dbtRunner
from dbt_here import PROJECT
from faults import FILES, Project, RunnerOf, as_nobody, assert_totals_tie
from olist_segments.connectors.command import declared_tables
from olist_segments.loading.duckdb_files import DuckDBFiles
from olist_segments.loading.load import incoming_tables, load_raw_files
from olist_segments.loading.refusals import RefusedInput

Operation = Callable[[Project, str, Any], object]
CATALOGUE = PROJECT / "tests" / "faults" / "catalogue.yml"
STAGED = ["path:models/staging"]
# Refusals that dbt is asked for as well: of the file, its dialect, its values, and of all nine together.
TOLD_BY_DBT = (
    *(
        "missing",
        "no permission",
        "a line end of Windows in the middle",
        "unbalanced quote",
        "Latin-1",
        "first column missing",
        "decimal comma",
    ),
    *("price that would steer a terminal", "all orders cancelled"),
)
UP_TO_FEATURES = ["path:models/staging", "+customer_features", "customers"]


@dataclass(frozen=True)
class Case:
    """One entry of the catalogue for one file."""

    id: str
    file: str
    do: dict[str, Any]
    refused: str = ""
    counted: dict[str, int] = field(default_factory=dict)
    same: bool = False
    warns: str = ""


def read_catalogue() -> list[Case]:
    cases = []
    for entry in yaml.safe_load(CATALOGUE.read_text(encoding="utf-8")):
        files = list(FILES) if entry["files"] == "all" else [entry["files"]]
        rest = {key: value for key, value in entry.items() if key not in ("id", "files")}
        cases += [
            Case(id=f"{entry['id']} - {file}" if len(files) > 1 else entry["id"], file=file, **rest) for file in files
        ]
    return cases


CASES = read_catalogue()


def walked(cases: list[Case]) -> list[Any]:
    """The cases as parameters, of which one a kind of damage is fast: they differ in the file, column or value."""
    seen: set[tuple[str, ...]] = set()
    marked = []
    for case in cases:
        kind = tuple(case.do)
        marked.append(pytest.param(case, id=case.id, marks=[pytest.mark.slow] if kind in seen else []))
        seen.add(kind)
    return marked


def table_of(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def text_of(rows: list[list[str]], delimiter: str = ",") -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def text_in(p: Project, name: str) -> str:
    return p.path(name).read_bytes().decode()


def replace(p: Project, name: str, pairs: list[str]) -> None:
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        p.replace(name, old, new)


def end_lines_with(p: Project, name: str, end: str) -> None:
    """Other ends of lines, but for those inside a comment, which are the customer's."""
    comment = "mas\n\no"
    p.write(name, FILES[name].replace(comment, "@").replace("\n", end).replace("@", comment))


def change_table(change: Callable[[list[list[str]], Any], list[list[str]]]) -> Operation:
    return lambda p, name, value: p.write(name, text_of(change(table_of(text_in(p, name)), value)))


def renamed(rows: list[list[str]], value: str) -> list[list[str]]:
    header = [name.upper() for name in rows[0]] if value == "CAPITALS" else [value, *rows[0][1:]]
    return [header, *rows[1:]]


def cut_last_row(p: Project, name: str, _: Any) -> None:
    """The file as a full disk leaves it: its last row ends before its last comma."""
    *rows, last = text_in(p, name).rstrip("\n").split("\n")
    p.write(name, "\n".join([*rows, last[: last.rindex(",")]]))


def quote_last_row(p: Project, name: str, _: Any) -> None:
    *rows, last = text_in(p, name).rstrip("\n").split("\n")
    p.write(name, "\n".join([*rows, f'"{last}', ""]))


def put_folder(p: Project, name: str, _: Any) -> None:
    p.path(name).unlink()
    p.path(name).mkdir()


def change_parquet(p: Project, name: str, change: Callable[[bytes], bytes]) -> None:
    path = p.path(name, "parquet")
    path.write_bytes(change(path.read_bytes()))


OPERATIONS: dict[str, Operation] = {
    "remove": lambda p, name, _: p.path(name).unlink(),
    "copy_as": lambda p, name, ending: shutil.copy(p.path(name), p.path(name, ending)),
    "write": lambda p, name, text: p.write(name, text),
    "bytes": lambda p, name, text: p.write(name, text.encode("latin-1")),
    "prepend": lambda p, name, text: p.write(name, text + text_in(p, name)),
    "append": lambda p, name, lines: p.write(name, text_in(p, name) + "".join(line + "\n" for line in lines)),
    "keep_lines": lambda p, name, count: p.write(name, "".join(text_in(p, name).splitlines(keepends=True)[:count])),
    "drop_lines": lambda p, name, count: p.write(name, "".join(text_in(p, name).splitlines(keepends=True)[count:])),
    "folder": put_folder,
    "forbid": lambda p, name, _: p.path(name).chmod(0),
    "cut_last_row_in_half": cut_last_row,
    "delimiter": lambda p, name, mark: p.write(name, text_of(table_of(text_in(p, name)), mark)),
    "encode": lambda p, name, codec: p.write(name, text_in(p, name).encode(codec)),
    "line_end": end_lines_with,
    "line_end_of_header": lambda p, name, end: p.write(name, text_in(p, name).replace("\n", end, 1)),
    "last_line_end": lambda p, name, end: p.write(name, text_in(p, name).removesuffix("\n") + end),
    "blank_lines": lambda p, name, _: end_lines_with(p, name, "\n\n"),
    "unbalanced_quote": quote_last_row,
    "rename_as": lambda p, name, ending: p.path(name).rename(p.path(name, ending)),
    "cut_bytes": lambda p, name, share: change_parquet(p, name, lambda data: data[: int(len(data) * share)]),
    "scramble": lambda p, name, _: change_parquet(p, name, lambda data: data[:4] + bytes(len(data) - 8) + data[-4:]),
    "replace": replace,
    "rename_first_column": change_table(renamed),
    "repeat_first_column": change_table(lambda rows, _: [[*row, row[0]] for row in rows]),
    "reverse_columns": change_table(lambda rows, _: [row[::-1] for row in rows]),
    "add_column": change_table(lambda rows, name: [[*row, name if i == 0 else "x"] for i, row in enumerate(rows)]),
    "parquet": lambda p, name, query: p.to_parquet(name, query),
}


RAW_TABLES = declared_tables(PROJECT)
INVALID_STATUSES = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"][
    "invalid_order_statuses"
]
COLUMNS = [
    (table.name, column.name, column.meta.required)
    for table in RAW_TABLES
    for column in table.columns.values()
    # Of the optional ones the files have none.
    if not column.meta.optional
]
REQUIRED = [(file, column) for file, column, is_required in COLUMNS if is_required]


def damage(p: Project, case: Case) -> None:
    for operation, value in case.do.items():
        OPERATIONS[operation](p, case.file, value)


def words(p: Project, case: Case) -> dict[str, object]:
    """What the places of a sentence stand for: of the damaged file where it is text, of the valid one otherwise."""
    whole = table_of(FILES[case.file])[0]
    path = p.path(case.file) if p.path(case.file).exists() else p.path(case.file, "parquet")
    try:
        text = path.read_bytes().decode() if path.is_file() else ""
    except (UnicodeDecodeError, PermissionError):
        text = ""
    lines = text.split("\n")
    last = max((number for number, line in enumerate(lines) if line), default=0)
    rows = csv.reader(io.StringIO(FILES[case.file], newline=""))
    next(rows), next(rows)
    return {
        "file": path.name if path.exists() else f"{case.file}.csv",
        "name": case.file,
        "folder": p.folder,
        "first": whole[0],
        "last": whole[-1],
        "fields": len(whole),
        "header": ", ".join(table_of(text)[0]) if lines[0] else "",
        "header_text": lines[0][:100],
        "first_row": ", ".join(name.strip().strip('"') for name in lines[0].split(","))[:300],
        "line": last + 1,
        "second_end": rows.line_num,
        "last_line": FILES[case.file].count("\n"),
        "row": lines[last].lstrip('"'),
    }


@pytest.fixture(scope="module")
def valid(runner_of: RunnerOf, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Counter[str]]:
    """The staging tables of the valid files, and the rows that each rule of data_quality counts there."""
    p = Project(runner_of, tmp_path_factory.mktemp("valid"))
    p.write_all(FILES)
    run = p.run(*UP_TO_FEATURES)
    assert run.success, run.log
    assert run.warnings == []
    assert_totals_tie(p)
    staged = {name: rows for name, rows in p.tables(("main",)).items() if ".stg_" in name}
    return staged, counts_of_rules(p)


def counts_of_rules(p: Project) -> Counter[str]:
    rows = p.query("select replace(table_name, 'stg_olist__', ''), rule_name, affected_rows from data_quality")
    return Counter({f"{table}.{rule}": count for table, rule, count in rows})


def no_dbt(_: list[Any]) -> dbtRunner:
    raise AssertionError("this test runs without dbt")


def refusals_of_loading(p: Project) -> list[str]:
    """What loading refuses the files by, without dbt around it."""
    with duckdb.connect(str(p.warehouse)) as connection:
        engine = DuckDBFiles(lambda statement: connection.execute(statement).fetchall())
        try:
            with incoming_tables(engine, RAW_TABLES):
                load_raw_files(engine, RAW_TABLES, str(p.folder), INVALID_STATUSES, lambda _: None)
        except RefusedInput as refusal:
            return [str(refusal)]
    return []


def refusals_of_dbt(p: Project) -> list[str]:
    run = p.run()
    assert not run.success
    assert "Traceback" not in run.log
    return run.sentences


def assert_refused(runner_of: RunnerOf, case: Case, refusals: Callable[[Project], list[str]]) -> None:
    # Not under pytest's own folder, which nobody but its owner may enter.
    with tempfile.TemporaryDirectory() as home:
        p = Project(runner_of, Path(home))
        p.write_all(FILES)
        damage(p, case)
        sentence = case.refused.format(**words(p, case))

        with as_nobody(Path(home)) if "forbid" in case.do else contextlib.nullcontext():
            refused = refusals(p)

        assert refused == [sentence]
        assert p.tables() == {}, "a refused input leaves nothing behind"


REFUSED = [case for case in CASES if case.refused]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_refused_with_one_sentence(case: Case) -> None:
    assert_refused(no_dbt, case, refusals_of_loading)


@pytest.mark.parametrize("id", TOLD_BY_DBT)
@pytest.mark.usefixtures("valid")
def test_dbt_tells_the_sentence_and_nothing_else(runner_of: RunnerOf, id: str) -> None:
    case = next(case for case in REFUSED if case.id.startswith(id))
    assert_refused(runner_of, case, refusals_of_dbt)


@pytest.mark.parametrize("case", walked([case for case in CASES if case.same]))
def test_built_as_from_valid_files(project: Project, valid: tuple[dict[str, Any], Counter[str]], case: Case) -> None:
    damage(project, case)

    run = project.run(*STAGED)

    assert run.success, run.log
    staged = {name: rows for name, rows in project.tables(("main",)).items() if ".stg_" in name}
    assert staged == valid[0]
    warnings = [case.warns.format(**words(project, case))] if case.warns else []
    assert len(run.warnings) == len(warnings)
    assert all(told in given for told, given in zip(warnings, run.warnings, strict=True))


@pytest.mark.parametrize("case", walked([c for c in CASES if not c.refused and not c.same]))
def test_built_and_counted(project: Project, valid: tuple[dict[str, Any], Counter[str]], case: Case) -> None:
    damage(project, case)

    run = project.run(*UP_TO_FEATURES)

    assert run.success, run.log
    counted = counts_of_rules(project)
    counted.subtract(valid[1])
    assert {rule: count for rule, count in counted.items() if count} == case.counted
    assert_totals_tie(project)


def test_keys_and_money_are_all_that_must_not_be_missing() -> None:
    """Every other column has its case in the catalogue: built, and counted but for what is missing as a rule."""
    built = {(case.file, case.id.removeprefix("no value in ")) for case in CASES if case.id.startswith("no value in ")}

    assert built == {(file, column) for file, column, is_required in COLUMNS if not is_required}
    money = {column for _, column in REQUIRED if column in ("price", "freight_value", "payment_value")}
    keys = {column for _, column in REQUIRED} - money
    assert len(money) == 3
    assert all(key.endswith(("_id", "payment_sequential", "zip_code_prefix", "category_name")) for key in keys)


@pytest.mark.parametrize(("file", "column"), REQUIRED)
def test_a_key_or_an_amount_that_is_missing_is_refused(tmp_path: Path, file: str, column: str) -> None:
    project = Project(no_dbt, tmp_path)
    project.write_all(FILES)
    header, first, *rest = table_of(text_in(project, file))
    first[header.index(column)] = ""
    project.write(file, text_of([header, first, *rest]))

    what = "the value is missing: fill it in, or remove the row."
    assert refusals_of_loading(project) == [f"{file}.csv, line 2, column {column}: {what}"]
