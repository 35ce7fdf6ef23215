"""The dashboard for Superset: a bundle that follows its definition and the tables, and that a real Superset imports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from olist_segments.errors import UserError
from olist_segments.serving.superset import DASHBOARD, superset
from playwright.sync_api import sync_playwright
from reports import Tables
from warehouses import Warehouse

URI = "duckdb:////srv/olist/serving/segments.duckdb"
HOME = Path(__file__).parents[1] / "superset"
PYTHON = os.environ.get("OLIST_SUPERSET_PYTHON", "")
CHROMIUM = os.environ.get("OLIST_CHROMIUM") or shutil.which("chromium") or ""


@pytest.fixture
def tables(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    return Tables.read_alone(built, tmp_path, monkeypatch)


def bundle(file: Path) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        return {name.split("/", 1)[1]: yaml.safe_load(archive.read(name)) for name in archive.namelist()}


def rows_of(tables: Tables, sql: str) -> list[Any]:
    return list(tables.query(sql))


def definition(tmp_path: Path, old: str, new: str) -> Path:
    text = DASHBOARD.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    file = tmp_path / "dashboard.yml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


def test_types_and_descriptions_are_those_of_the_tables(tables: Tables, tmp_path: Path) -> None:
    superset(tmp_path / "segments.zip", URI)
    files = bundle(tmp_path / "segments.zip")
    dataset = files["datasets/customer_segments/customer_counts_monthly.yaml"]
    described = dict(
        rows_of(
            tables, "select column_name, comment from duckdb_columns() where table_name = 'customer_counts_monthly'"
        )
    )
    typed = dict(
        rows_of(
            tables, "select column_name, data_type from duckdb_columns() where table_name = 'customer_counts_monthly'"
        )
    )
    found = {column["column_name"]: column for column in dataset["columns"] if "expression" not in column}
    assert {name: column["description"] for name, column in found.items()} == described
    assert {name: column["type"] for name, column in found.items()} == typed
    assert all(described.values())
    assert dataset["description"].startswith("One row per as-of date, segment, stage and state")
    assert [name for name, column in found.items() if column["is_dttm"]] == ["as_of_date"]
    assert files["databases/customer_segments.yaml"]["sqlalchemy_uri"] == URI
    locked = files["databases/customer_segments.yaml"]["extra"]["engine_params"]["connect_args"]
    assert locked["read_only"] is True
    assert locked["config"] == {"enable_external_access": False, "lock_configuration": True}


def test_every_metric_is_certified_and_right_over_several_months(tables: Tables, tmp_path: Path) -> None:
    superset(tmp_path / "segments.zip", URI)
    files = bundle(tmp_path / "segments.zip")
    metrics = {
        (dataset["table_name"], metric["metric_name"]): metric
        for name, dataset in files.items()
        if name.startswith("datasets/")
        for metric in dataset["metrics"]
    }
    assert metrics
    assert all(metric["extra"]["certification"]["certified_by"] for metric in metrics.values())
    ((most,),) = rows_of(
        tables, "select max(n) from (select sum(customer_count) as n from customer_counts_monthly group by as_of_date)"
    )
    for name in ("customers", "spend_so_far"):
        expression = metrics["customer_counts_monthly", name]["expression"]
        ((of_all,),) = rows_of(tables, f"select {expression} from customer_counts_monthly")
        ((of_newest,),) = rows_of(tables, f"select {expression} from customer_counts_monthly where is_newest")
        assert 0 < of_all < of_newest
    counted = metrics["customer_counts_monthly", "customers"]["expression"]
    ((customers,),) = rows_of(tables, f"select {counted} from customer_counts_monthly where is_newest")
    assert customers == most
    assert metrics["customer_counts_monthly", "spend_so_far"]["currency"] == {
        "symbol": "BRL",
        "symbolPosition": "prefix",
    }
    tables.change("update shop set currency = null")
    superset(tmp_path / "other.zip", URI)
    other = bundle(tmp_path / "other.zip")["datasets/customer_segments/customer_counts_monthly.yaml"]
    assert not any("currency" in metric for metric in other["metrics"])


def test_identifiers_hold_the_bundle_together_and_the_same_tables_give_the_same_bytes(
    tables: Tables, tmp_path: Path
) -> None:
    superset(tmp_path / "segments.zip", URI)
    superset(tmp_path / "again.zip", URI)
    assert (tmp_path / "segments.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    files = bundle(tmp_path / "segments.zip")
    identifiers = [body["uuid"] for body in files.values() if "uuid" in body]
    assert len(identifiers) == len(set(identifiers))
    datasets = {body["uuid"] for name, body in files.items() if name.startswith("datasets/")}
    charts = {body["uuid"]: body for name, body in files.items() if name.startswith("charts/")}
    assert {chart["dataset_uuid"] for chart in charts.values()} == datasets
    dashboard = files["dashboards/customer-segments.yaml"]
    placed = [one["meta"] for one in dashboard["position"].values() if isinstance(one, dict) and one["type"] == "CHART"]
    assert {meta["uuid"] for meta in placed} == set(charts)
    rows = [one for one in dashboard["position"].values() if isinstance(one, dict) and one["type"] == "ROW"]
    for row in rows:
        assert sum(dashboard["position"][name]["meta"]["width"] for name in row["children"]) == 12
    for one in dashboard["metadata"]["native_filter_configuration"]:
        assert one["targets"][0]["datasetUuid"] in datasets


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("metrics: [customers]", "metrics: [customer]", "names the metric 'customer'"),
        ("by: [state]", "by: [county]", "names the column 'county'"),
        ("ignores: [Month]", "ignores: [Year]", "names the filter 'Year'"),
        ("table: alerts", "table: alarms", "names the table 'alarms'"),
        ("{data-quality: 12}", "{}", "chart 'data-quality' must be in charts and in one of the rows"),
        ("  alerts: {}", "  alarms: {}", "there is no table 'alarms'"),
    ],
)
def test_a_definition_that_names_what_is_not_there_is_refused(
    tables: Tables, tmp_path: Path, old: str, new: str, told: str
) -> None:
    file = tmp_path / "segments.zip"
    with pytest.raises(UserError, match=told):
        superset(file, URI, definition=definition(tmp_path, old, new))
    assert not file.exists()


def test_a_uri_of_another_database_is_refused(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a DuckDB URI"):
        superset(tmp_path / "segments.zip", "postgresql://localhost/segments")
    assert not (tmp_path / "segments.zip").exists()


# A real Superset, where one is installed: make test-superset.

needs_superset = pytest.mark.skipif(not PYTHON, reason="no Superset: make test-superset installs and names one")


class Superset:
    """An empty Superset with its own database, into which the dashboard of published tables is imported."""

    def __init__(self, home: Path, serving: Path) -> None:
        self.home, self.serving = home, serving
        self.bundle = home / "segments.zip"
        self._environment = os.environ | {
            "OLIST_SUPERSET_HOME": str(home),
            "SUPERSET_CONFIG_PATH": str(HOME / "superset_config.py"),
            "FLASK_APP": "superset",
        }
        self._command = [str(Path(PYTHON).parent / "superset")]
        self.run("db", "upgrade")
        names = ("--firstname", "An", "--lastname", "Analyst", "--email", "analyst@example.org")
        self.run("fab", "create-admin", "--username", "admin", "--password", "admin", *names)
        self.run("init")
        superset(self.bundle, f"duckdb:///{serving / 'segments.duckdb'}")
        self.run("import-dashboards", "--path", str(self.bundle), "--username", "admin")

    def run(self, *arguments: str) -> None:
        done = subprocess.run(
            [*self._command, *arguments], env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def ask(self, *arguments: str) -> Any:
        done = subprocess.run(
            [PYTHON, str(HOME / "ask.py"), *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("ANSWER "))[7:])

    def serve(self, port: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self._command, "run", "--port", str(port), "--with-threads"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def imported(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Superset]:
    home = tmp_path_factory.mktemp("superset")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_SERVING_DIR", str(built.serving))
        yield Superset(home, built.serving)


@pytest.mark.slow
@needs_superset
def test_rows_of_every_chart_are_those_of_the_tables(imported: Superset) -> None:
    charts = imported.ask("charts")
    layout = yaml.safe_load(DASHBOARD.read_text(encoding="utf-8"))
    assert set(charts) == {chart["title"] for chart in layout["charts"].values()}
    with duckdb.connect(str(imported.serving / "segments.duckdb"), read_only=True) as connection:
        for chart in layout["charts"].values():
            spec = layout["tables"][chart["table"]]
            conditions = " and ".join(f"{name}::bigint > 0" for name in chart.get("where", ())) or "true"
            if chart["kind"] == "rows":
                asked, group = [f"{name} as {name}" for name in chart["columns"]], ""
            else:
                computed = {name: column["expression"] for name, column in spec.get("columns", {}).items()}
                by = chart.get("by", ())
                asked = [f"{computed.get(name, name)} as {name}" for name in by]
                asked += [f"{spec['metrics'][name]['expression']} as {name}" for name in chart["metrics"]]
                group = f"group by {', '.join(str(place) for place, _ in enumerate(by, 1))}" if by else ""
            relation = connection.sql(f"select {', '.join(asked)} from {chart['table']} where {conditions} {group}")
            expected = [dict(zip(relation.columns, map(plain, row), strict=True)) for row in relation.fetchall()]
            assert ordered(charts[chart["title"]]) == ordered(expected), chart["title"]


def plain(value: Any) -> Any:
    """A value as Superset's JSON has it: dates are milliseconds."""
    if hasattr(value, "isoformat"):
        return 1000 * (value.toordinal() - 719163) * 86400
    return value


def ordered(rows: list[dict[str, Any]]) -> list[str]:
    def written(value: Any) -> str:
        is_number = value is not None and not isinstance(value, bool | str)
        return f"{float(value):.6g}" if is_number else str(value)

    return sorted(str({name: written(value) for name, value in sorted(row.items())}) for row in rows)


@pytest.mark.slow
@needs_superset
def test_a_second_import_changes_only_what_changed(imported: Superset, tmp_path: Path) -> None:
    before = imported.ask("all")
    assert imported.ask("assets", str(imported.bundle))["status"] == 200
    assert imported.ask("all") == before
    changed = tmp_path / "changed.zip"
    superset(
        changed,
        f"duckdb:///{imported.serving / 'segments.duckdb'}",
        definition=definition(tmp_path, "title: Spend per customer", "title: Spend of each"),
    )
    try:
        assert imported.ask("assets", str(changed))["status"] == 200
        after = imported.ask("all")
        assert after != before
        assert json.loads(json.dumps(after).replace("Spend of each", "Spend per customer")) == before
    finally:
        imported.ask("assets", str(imported.bundle))


@pytest.mark.slow
@needs_superset
def test_the_dashboard_draws_every_chart(imported: Superset) -> None:
    titles = [chart["title"] for chart in yaml.safe_load(DASHBOARD.read_text(encoding="utf-8"))["charts"].values()]
    port = 8097
    server = imported.serve(port)
    try:
        until_served(f"http://127.0.0.1:{port}/health")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1500, "height": 2900})
            page.set_default_timeout(180_000)
            page.goto(f"http://127.0.0.1:{port}/login/")
            page.fill("#username, input[name=username]", "admin")
            page.fill("#password, input[name=password]", "admin")
            page.keyboard.press("Enter")
            page.wait_for_url(lambda url: "login" not in url)
            page.goto(f"http://127.0.0.1:{port}/superset/dashboard/customer-segments/")
            for title in titles:
                page.get_by_text(title, exact=True).first.wait_for()
            page.wait_for_function(
                "document.querySelectorAll('.dashboard-component-chart-holder').length > 0"
                " && !document.querySelector('[data-test=loading-indicator], .loading')"
            )
            page.screenshot(path=imported.home / "dashboard.png", full_page=True)
            told = page.inner_text("body")
            browser.close()
        with duckdb.connect(str(imported.serving / "segments.duckdb"), read_only=True) as connection:
            customers = connection.execute("select sum(customer_count) from segment_profiles").fetchall()[0][0]
        # The newest month is the first choice, so nobody counts twice.
        assert f"{customers:,}" in told
        assert "Unexpected error" not in told
    finally:
        server.terminate()
        server.wait()


def until_served(address: str) -> None:
    for _ in range(120):
        try:
            with urllib.request.urlopen(address):
                return
        except OSError:
            time.sleep(1)
    raise AssertionError(f"nothing answers at {address}")
