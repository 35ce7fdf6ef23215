"""docs/bi.md: its own words are run, and its connections can do nothing but read the served tables."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy
import yaml
from warehouses import FEW_CANDIDATES, PROJECT, SAMPLE, Warehouse

PAGE = (PROJECT / "docs" / "bi.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
ANALYSES = sorted(path.stem for path in (PROJECT / "analyses").glob("*.sql"))
QUERY = "select segment_key, customer_count from segment_profiles order by segment_key"
# What whoever writes SQL might try; {folder} is one that the test may write to.
ATTEMPTS = (
    "select * from read_csv('{folder}/secret.csv')",
    "select * from '{folder}/secret.csv'",
    "select * from read_text('{folder}/secret.csv')",
    "select * from glob('{folder}/*')",
    "select * from read_parquet('{folder}/serving/parquet/orders.parquet')",
    "copy (select 1) to '{folder}/written.csv'",
    "copy customer_segments to '{folder}/written.parquet' (format parquet)",
    "export database '{folder}/exported'",
    "attach '{folder}/other.duckdb' as other",
    "attach '{folder}/new.duckdb' as new",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "reset lock_configuration",
    "set profiling_output = '{folder}/profile.json'",
    "delete from customer_segments",
    "create table made as select 1",
)


@pytest.fixture(scope="module")
def page_home(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the paths of the page are those of `built`, beside files that nobody may reach."""
    home = tmp_path_factory.mktemp("page")
    (home / "serving").symlink_to(built.serving)
    (home / "target").symlink_to(built.home / "target")
    shutil.copy(built.serving / "segments.duckdb", home / "other.duckdb")
    (home / "secret.csv").write_text("word\nhidden\n")
    return home


def run_python(code: str, home: Path) -> str:
    result = subprocess.run([sys.executable, "-c", code], cwd=home, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def documented(words: str) -> str:
    """The one Python block of the page that holds `words`."""
    found = [code for code in PYTHON if words in code]
    assert len(found) == 1
    return found[0]


def superset_engine(home: Path) -> sqlalchemy.Engine:
    """An engine made of the fields that the page names."""
    (uri,) = re.findall(r"\| SQLAlchemy URI \| `(duckdb:///)/srv/olist/(serving/segments.duckdb)`", PAGE)
    (parameters,) = re.findall(r"\| Advanced, Other, Engine parameters \| `(.*)` \|", PAGE)
    # Superset opens a connection for each query.
    return sqlalchemy.create_engine(f"{uri[0]}{home}/{uri[1]}", **json.loads(parameters), poolclass=sqlalchemy.NullPool)


def assert_nothing_was_written(home: Path) -> None:
    assert sorted(path.name for path in home.iterdir()) == ["other.duckdb", "secret.csv", "serving", "target"]


def test_every_documented_connection_is_locked() -> None:
    pages = [PAGE, *((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/guarantees.md"))]
    connections = [
        code
        for page in pages
        for code in re.findall(r"^```\w+\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
        if "segments.duckdb" in code and not re.search("olist-segments (audience|superset)|Wrote", code)
    ]
    assert len(connections) == 5
    for code in connections:
        assert re.search(r"enable_external_access\W+(false|False)", code), code
        assert re.search(r"lock_configuration\W+(true|True)", code), code
        assert re.search("read_?only", code, flags=re.IGNORECASE), code


def test_superset_as_documented_queries_and_lists_tables_and_columns(page_home: Path, built: Warehouse) -> None:
    engine = superset_engine(page_home)
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text(QUERY)).all()
    assert [tuple(row) for row in rows] == list(built.query(QUERY).itertuples(index=False, name=None))
    inspected = sqlalchemy.inspect(engine)
    assert {"customer_segments", "segment_profiles", "orders"} <= set(inspected.get_table_names(schema="main"))
    described = inspected.get_table_comment("customer_segments", schema="main")["text"]
    assert described is not None
    assert described.startswith("One row per customer, today")


@pytest.mark.skipif(
    sqlalchemy.__version__.startswith("2.1"),
    reason="duckdb-engine 0.17 can't list columns under SQLAlchemy 2.1; Superset has 1.4",
)
def test_superset_as_documented_finds_columns_with_type_and_meaning(page_home: Path) -> None:
    found = sqlalchemy.inspect(superset_engine(page_home)).get_columns("customer_segments", schema="main")
    columns = {column["name"]: column for column in found}
    assert isinstance(columns["total_spend"]["type"], sqlalchemy.Numeric)
    assert isinstance(columns["as_of_date"]["type"], sqlalchemy.Date)
    assert str(columns["recency_days"]["comment"]).startswith("Days from the customer's LAST valid purchase")


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_superset_as_documented_reaches_nothing_else(page_home: Path, attempt: str) -> None:
    engine = superset_engine(page_home)
    with (
        engine.connect() as connection,
        pytest.raises(
            (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.StatementError),
            match=r"disabled (by|through) configuration|configuration has been locked|read-only|Cannot access",
        ),
    ):
        connection.execute(sqlalchemy.text(attempt.format(folder=page_home)))
    assert_nothing_was_written(page_home)


def test_without_the_lock_the_same_attempts_succeed(page_home: Path) -> None:
    """What is refused above is refused by the lock: read-only alone lets a reader read files and databases."""
    engine = sqlalchemy.create_engine(
        f"duckdb:///{page_home}/serving/segments.duckdb",
        connect_args={"read_only": True},
        poolclass=sqlalchemy.NullPool,
    )
    for attempt in (ATTEMPTS[0], ATTEMPTS[2], ATTEMPTS[3], f"{ATTEMPTS[8]} (read_only)"):
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(attempt.format(folder=page_home)))


@pytest.mark.parametrize("words", ["create_engine", "connection.sql"])
def test_a_python_connection_as_documented_reads_tables_and_nothing_else(page_home: Path, words: str) -> None:
    code = documented(words)
    run_python(code, page_home)
    ask = "connection.execute(text(attempt))" if words == "create_engine" else "connection.sql(attempt)"
    opened = "with engine.connect() as connection:" if words == "create_engine" else "if True:"
    attempts = [attempt.format(folder=page_home) for attempt in ATTEMPTS]
    refused = f"""
for attempt in {attempts!r}:
    try:
        {opened}
            {ask}
    except Exception:
        continue
    raise SystemExit(f"allowed: {{attempt}}")
"""
    run_python(code + refused, page_home)
    assert_nothing_was_written(page_home)


def test_the_notebook_gets_numbers_and_dates(page_home: Path) -> None:
    code = documented("connection.sql")
    types = run_python(f"{code}\nprint(profiles.dtypes[['total_spend', 'as_of_date']].to_string())", page_home)
    assert "float64" in types
    assert "datetime64" in types


def test_pandas_gets_numbers_and_dates_of_parquet_as_documented(page_home: Path) -> None:
    if find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed: pandas reads no Parquet")
    code = documented("read_parquet")
    reckoned = (
        "print(segments['total_spend'].sum(), segments['as_of_date'].dtype, segments['as_of_date'].dt.month.max())"
    )
    assert "date32" in run_python(f"{code}\n{reckoned}", page_home)


@pytest.mark.slow
def test_node_as_documented_reads_tables_and_nothing_else(page_home: Path, node_reader: list[str]) -> None:
    (code,) = [code for language, code in BLOCKS if language == "js"]
    attempts = [attempt.format(folder=page_home) for attempt in ATTEMPTS]
    refused = f"""
for (const attempt of {json.dumps(attempts)}) {{
  let allowed = true;
  try {{ await connection.runAndReadAll(attempt); }} catch {{ allowed = false; }}
  if (allowed) throw new Error(`allowed: ${{attempt}}`);
}}
console.log(answer.currentRowCount);
"""
    script = Path(node_reader[1]).with_name("page.mjs")
    served = json.dumps(str(page_home / "serving" / "segments.duckdb"))
    script.write_text(code.replace('"serving/segments.duckdb"', served) + refused)
    result = subprocess.run([node_reader[0], str(script)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) > 1
    assert_nothing_was_written(page_home)


def test_the_command_line_as_documented_reads_tables_and_nothing_else(page_home: Path) -> None:
    if shutil.which("duckdb") is None:
        pytest.skip("the DuckDB command line is not installed")
    (line,) = [code.strip() for language, code in BLOCKS if language == "sh" and code.startswith("duckdb ")]

    def piped(sql: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(line, shell=True, cwd=page_home, input=sql, capture_output=True, text=True, check=False)

    assert "customer_count" in piped(QUERY).stdout
    for attempt in ATTEMPTS:
        assert "Error" in piped(attempt.format(folder=page_home)).stderr, attempt
    assert_nothing_was_written(page_home)


def test_the_documented_words_compile_an_analysis(built: Warehouse, tmp_path: Path) -> None:
    (line,) = re.findall(r"^dbt (compile --select (\w+))\s", PAGE, flags=re.MULTILINE)
    assert documented("target/compiled").count(f"/{line[1]}.sql") == 1
    copied = Warehouse(tmp_path)
    shutil.copy(built.path, copied.path)
    copied.dbt(*line[0].split(), data=SAMPLE, variables=FEW_CANDIDATES)
    assert (tmp_path / "target" / "compiled" / "olist_segments" / "analyses" / f"{line[1]}.sql").is_file()


@pytest.mark.parametrize("name", ANALYSES)
def test_a_compiled_analysis_runs_on_the_served_file_as_documented(
    page_home: Path, built: Warehouse, name: str
) -> None:
    code = documented("target/compiled").replace("budget_of_next_month", name)
    query = (page_home / "target" / "compiled" / "olist_segments" / "analyses" / f"{name}.sql").read_text()
    assert f'"{built.path.stem}"' not in query
    expected = built.query(query)
    if f"`{name}`" in PAGE[PAGE.index("Two of the ten read tables that are not published") :]:
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=page_home, capture_output=True, text=True, check=False
        )
        assert re.search(r"Table with name (stg_olist__\w+|reviews) does not exist", result.stderr)
        return
    answer = page_home.with_name(f"{name}.pkl")
    run_python(f"{code}\nanswer.to_pickle({str(answer)!r})", page_home)
    pd.testing.assert_frame_equal(pd.read_pickle(answer), expected, check_exact=False, rtol=1e-9)


def test_analyses_that_need_the_warehouse_are_those_that_the_page_names() -> None:
    served = set(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["models"]["olist_segments"]["staging"])
    assert "data_quality" in served
    # What customers wrote, and the staging tables, are not served.
    unserved = re.compile(r"ref\('(stg_\w+|reviews)'\)")
    staging = {name for name in ANALYSES if unserved.search((PROJECT / "analyses" / f"{name}.sql").read_text())}
    named = PAGE[PAGE.index("Two of the ten read tables that are not published") :].split("\n\n")[0]
    assert set(re.findall(r"`([a-z_]{8,})`", named)) == staging
