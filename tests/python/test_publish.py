"""Publishing: one whole build or the old files, whatever happens; and versions that outlive their warehouse."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from forked import Forked, dbt, killed_at_call, server_with
from marks import slow_after
from nights import SETTINGS, WHOLE, Nights, copy_of
from olist_segments.errors import UserError
from olist_segments.serving.publish import publish
from served_folders import change, checked_manifest, run_publish, served
from warehouses import SAMPLE, Warehouse

UNTOUCHED = "What was published before is untouched."


@pytest.fixture(scope="module")
def server() -> None:
    server_with("forked_nights")


def killed_at(warehouse: Warehouse, function: str, calls: int) -> None:
    """A publish that kills itself with SIGKILL at the nth call of a function of the module os."""
    process = Forked(killed_at_call, function, calls, warehouse.serving, warehouse.path)
    output, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, output


@pytest.fixture
def copied(built_tonight: Warehouse, tmp_path: Path) -> Warehouse:
    """A small warehouse, nothing published, to be tampered with."""
    warehouse = Warehouse(tmp_path / "copied")
    warehouse.home.mkdir()
    shutil.copy(built_tonight.path, warehouse.path)
    return warehouse


@pytest.fixture
def published(built_tonight: Warehouse, tmp_path: Path) -> Warehouse:
    """The same with what is published from it."""
    return copy_of(built_tonight, tmp_path / "copied")


def test_published_tables_are_those_of_the_warehouse_with_their_comments(built: Warehouse, tmp_path: Path) -> None:
    manifest = checked_manifest(built.serving)
    assert (manifest["data_as_of"], manifest["model_version"]) == ("2018-08-31", 1)
    assert {"orders", "customers", "customer_features_monthly", "customer_segments", "segment_profiles"} < set(
        manifest["tables"]
    )
    hidden = ("stg_", "fit_", "segment_fit_input", "customer_segments_at_switch", "olist_", "builds")
    assert not [table for table in manifest["tables"] if table.startswith(hidden)]
    digests = built.table_digests(apart=())
    published = Warehouse(tmp_path)
    published.path.symlink_to(built.serving / "segments.duckdb")
    assert published.table_digests(apart=()) == {table: digests[table] for table in manifest["tables"]}

    comments = (
        "select table_name, '' as column_name, comment from duckdb_tables() where schema_name = 'main' "
        "union all select table_name, column_name, comment from duckdb_columns() where schema_name = 'main' "
        "and not internal order by all"
    )
    with duckdb.connect(str(built.path), read_only=True) as connection:
        expected = [row for row in connection.sql(comments).fetchall() if row[0] in manifest["tables"]]
    assert served(built.serving, comments) == expected
    assert all(comment for table, _, comment in expected if table == "customer_segments")


def test_parquet_holds_the_same_rows_in_the_same_order(built: Warehouse) -> None:
    for table in ("customer_segments", "segment_migrations_monthly", "orders", "segment_versions"):
        parquet = duckdb.execute(f"from '{built.serving}/parquet/{table}.parquet'")
        pd.testing.assert_frame_equal(parquet.df(), built.query(f"from {table}"), check_exact=True)
    dates = duckdb.execute(f"select as_of_date from '{built.serving}/parquet/customer_segments_monthly.parquet'").df()
    assert dates["as_of_date"].is_monotonic_increasing


def test_the_same_tables_give_the_same_parquet_files(built: Warehouse, tmp_path: Path) -> None:
    publish(tmp_path / "again", built.path)
    first, again = (
        json.loads((folder / "manifest.json").read_text()) for folder in (built.serving, tmp_path / "again")
    )
    assert again["tables"] == first["tables"]
    assert again["versions"] == first["versions"]
    assert again["build"] != first["build"]


def test_a_reader_goes_on_with_the_files_it_opened(published: Warehouse) -> None:
    people = served(published.serving, "select count(*) from customer_segments")[0][0]
    # In a process of its own, as readers are.
    reader = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys\n"
            "database = duckdb.connect(sys.argv[1], read_only=True)\n"
            "database.sql('select 1 from customer_segments limit 1').fetchall()\n"
            "for line in sys.stdin:\n"
            "    print(database.sql('select count(*) from customer_segments_monthly').fetchall()[0][0], flush=True)\n",
            str(published.serving / "segments.duckdb"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    with reader, (published.serving / "parquet" / "customer_segments.parquet").open("rb") as parquet:
        reader.stdin.write("\n")
        reader.stdin.flush()
        months = int(reader.stdout.readline())
        start = parquet.read(100)
        checksum = json.loads((published.serving / "manifest.json").read_text())["tables"]["customer_segments"][
            "sha256"
        ]
        change(published, "delete from customer_segments where segment_key = 'x' or rowid < 10")
        change(published, "delete from customer_segments_monthly where rowid < 10")
        # Twice, so that the build the reader holds is removed.
        publish(published.serving, published.path)
        publish(published.serving, published.path)
        assert served(published.serving, "select count(*) from customer_segments") == [(people - 10,)]
        assert hashlib.sha256(start + parquet.read()).hexdigest() == checksum
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert int(reader.stdout.readline()) == months
        reader.stdin.close()
    checked_manifest(published.serving)
    assert len(list((published.serving / ".builds").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("function", "calls"), slow_after(1, [("replace", 1), ("fsync", 25), ("replace", 5)]))
def test_a_first_publish_that_is_killed_shows_nothing(copied: Warehouse, function: str, calls: int) -> None:
    killed_at(copied, function, calls)
    assert not (copied.serving / "manifest.json").exists()
    assert not (copied.serving / "segments.duckdb").exists()
    publish(copied.serving, copied.path)
    checked_manifest(copied.serving)


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_a_publish_that_is_killed_between_two_steps_leaves_the_build_before(published: Warehouse) -> None:
    before = checked_manifest(published.serving)["build"]
    change(published, "delete from customer_segments where rowid < 10")
    for function, calls in (("chmod", 3), ("fsync", 20), ("replace", 1)):
        killed_at(published, function, calls)
        assert checked_manifest(published.serving)["build"] == before
    publish(published.serving, published.path)
    checked_manifest(published.serving)
    assert len(list((published.serving / ".builds").iterdir())) == 2


def served_orders(serving: Path) -> int:
    return int(duckdb.execute(f"select count(*) from '{serving}/parquet/orders.parquet'").fetchall()[0][0])


@pytest.mark.slow
def test_readers_see_whole_builds_while_others_are_published(published: Warehouse) -> None:
    """Every reading of the manifest agrees with the files of the folder that it was read from."""
    orders = served_orders(published.serving)
    with ThreadPoolExecutor(1) as pool:
        publishing = pool.submit(lambda: [publish(published.serving, published.path) for _ in range(4)])
        readings = 0
        while not publishing.done():
            folder = (published.serving / "current").resolve()
            manifest = json.loads((folder / "manifest.json").read_text())
            content = (folder / "parquet" / "segment_profiles.parquet").read_bytes()
            assert hashlib.sha256(content).hexdigest() == manifest["tables"]["segment_profiles"]["sha256"]
            assert served_orders(published.serving) == orders
            readings += 1
        publishing.result()
    assert readings > 5


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("update build_log.builds set finished_at = null", "did not come to its end: run dbt build again"),
        ("update build_log.builds set failure_count = 2", "had 2 failed steps: fix what its log says went wrong"),
        (
            "update build_log.builds set failure_count = 1, failed_steps = ['the test sums_tie']",
            r"had 1 failed step \(the test sums_tie\): fix what its log says went wrong and run dbt build again",
        ),
        (
            "update build_log.builds set failure_count = 7, failed_steps = ['a', 'b', 'c', 'd', 'e', 'f', 'g']",
            r"had 7 failed steps \(a, b, c, d, e and 2 more\): fix",
        ),
        # What the release before noted: without names.
        (
            "update build_log.builds set failure_count = 1; alter table build_log.builds drop column failed_steps",
            "had 1 failed step: fix what its log says went wrong",
        ),
        ("drop schema build_log cascade", "holds no build: run dbt build first"),
        ("delete from build_log.builds", "holds no build: run dbt build first"),
    ],
)
def test_nothing_but_a_whole_build_that_passed_is_published(
    built_tonight: Warehouse, copied: Warehouse, sql: str, sentence: str
) -> None:
    change(copied, sql)
    with pytest.raises(UserError, match=sentence):
        publish(built_tonight.serving, copied.path)
    checked_manifest(built_tonight.serving)


def test_a_broken_rule_is_named_with_the_query_that_shows_its_rows(copied: Warehouse, nights: Nights) -> None:
    first = "order_id = (select min(order_id) from orders)"
    change(copied, f"update orders set order_total = order_total + 1, item_total = null where {first}")
    output = copied.dbt(
        *("test", "--select", "orders", "--exclude-resource-type", "unit_test"),
        data=nights.tonight,
        variables=SETTINGS,
        succeeds=False,
    )
    told = re.findall(r"The rule (\w+) is broken \(rows: (\d+)\): (.*)", output)
    assert [rule[:2] for rule in told] == [
        ("orders_always_know_status_and_totals", "1"),
        ("orders_total_is_items_plus_freight", "1"),
    ]
    for _, _, query in told:
        assert len(copied.query(query)) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_what_dbt_notes_of_failures_and_kills_is_refused(copied: Warehouse, nights: Nights) -> None:
    # SQL does not score as Python is said to have: a test fails, what depends on its model is skipped.
    change(copied, "update fit_segment_labels set segment_number = segment_number % 2 + 1")
    selected = ("--select", "+customer_segments")
    copied.dbt(*WHOLE, *selected, data=nights.tonight, variables=SETTINGS, succeeds=False)
    with pytest.raises(UserError, match=r"had 1 failed step \(the test sql_scores_like_python\): fix what"):
        publish(copied.serving, copied.path)

    build = Forked(dbt, [*WHOLE, "--threads", "2"], copied.environment_of(nights.tonight), SETTINGS)
    next(line for line in build.stdout if "START sql" in line)
    os.killpg(build.pid, signal.SIGKILL)
    build.communicate()
    with pytest.raises(UserError, match="did not come to its end: run dbt build again"):
        publish(copied.serving, copied.path)
    assert not copied.serving.exists()


def test_the_command_line_says_it_in_one_sentence(tmp_path: Path) -> None:
    result = run_publish(Warehouse(tmp_path / "nowhere"))
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("olist-segments: there is no warehouse at ")


def test_a_warehouse_in_use_by_a_build_is_not_published(copied: Warehouse) -> None:
    with duckdb.connect(str(copied.path)):
        result = run_publish(copied)
    assert result.returncode == 2
    assert "is in use by a build: wait for it to end and try again." in result.stderr


@pytest.mark.slow
def test_only_one_publishes_at_a_time(published: Warehouse) -> None:
    with (published.serving / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match=r"another publish is writing to .*: wait for it to end and try again"):
            publish(published.serving, published.path)
    publish(published.serving, published.path)


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


def test_a_full_disk_leaves_the_old_files(published: Warehouse) -> None:
    before = checked_manifest(published.serving)
    result = run_publish(published, preexec_fn=limit_file_size)
    assert result.returncode == 2
    assert "could not be written" in result.stderr
    assert result.stderr.endswith(f"{UNTOUCHED}\n")
    assert len(result.stderr.splitlines()) == 1
    assert checked_manifest(published.serving) == before
    assert [path.name for path in (published.serving / ".builds").iterdir()] == [before["build"]]


def test_a_folder_that_cannot_be_made_is_told(copied: Warehouse) -> None:
    copied.serving.write_text("a file in the way")
    with pytest.raises(UserError, match=r"could not be written .* make room or set OLIST_SERVING_DIR"):
        publish(copied.serving, copied.path)


def test_files_that_publish_did_not_make_are_not_overwritten(copied: Warehouse) -> None:
    (copied.serving / "parquet").mkdir(parents=True)
    with pytest.raises(UserError, match=r"parquet' was not made by olist-segments publish: move it away"):
        publish(copied.serving, copied.path)


@pytest.mark.slow
def test_versions_that_a_publish_replaces_are_kept(published: Warehouse) -> None:
    before = (published.serving / "current").resolve()
    for table in ("segment_versions", "fit_segment_model"):
        change(published, f"update {table} set fitted_at = fitted_at + interval 1 day")
    sentence = publish(published.serving, published.path)
    assert "held model versions that this warehouse does not know" in sentence
    assert str(before.name) in sentence
    # Whole for readers that have it open until the next publish; from then on its versions alone.
    checked_manifest(before)
    for _ in range(3):
        publish(published.serving, published.path)
    kept = json.loads((before / "manifest.json").read_text())
    assert kept["tables"] == {}
    assert "database" not in kept
    assert sorted(path.name for path in before.iterdir()) == ["manifest.json", "versions"]
    for entry in kept["versions"].values():
        content = (before / entry["file"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (entry["bytes"], entry["sha256"])
        assert duckdb.execute(f"select count(*) from '{before / entry['file']}'").fetchall() == [(entry["rows"],)]
    labels = published.query("select count(*) as row_count from fit_segment_labels")["row_count"][0]
    assert kept["versions"]["fit_segment_labels"]["rows"] == labels > 200
    assert len(list((published.serving / ".builds").iterdir())) == 3


@pytest.mark.slow
def test_an_empty_warehouse_takes_back_the_published_versions(
    built_tonight: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    again = Warehouse(tmp_path, built_tonight.serving)
    output = again.build(nights.tonight, variables=SETTINGS)
    assert output.count("were taken back.") == 1
    assert "up to version 1" in output
    assert again.table_digests(apart=()) == built_tonight.table_digests(apart=())
    types = "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'main' order by all"
    pd.testing.assert_frame_equal(again.query(types), built_tonight.query(types))


@pytest.mark.slow
def test_a_refit_with_new_features_is_appended_to_versions_taken_back(
    built_tonight: Warehouse, nights: Nights, tmp_path: Path
) -> None:
    warehouse = Warehouse(tmp_path / "warehouse", built_tonight.serving)
    transforms = {
        "recency_days": "identity",
        "purchase_day_count": "ln",
        "total_spend": "log1p",
        "avg_review_score": "identity",
        "late_delivery_share": "identity",
        "avg_delivery_days": "sqrt",
    }
    changed = {
        "features": {name: {"transform": transform} for name, transform in transforms.items()},
        "feature_sets": {"with_delivery_days": [name for name in transforms if name != "late_delivery_share"]},
    }
    models = ("+segment_versions", "+segments", "+segment_model", "+fit_segment_labels")
    selected = ("--select", *models, "sql_scores_like_python")
    output = warehouse.dbt(
        *("build", "--indirect-selection", "empty", *selected),
        data=nights.tonight,
        variables=SETTINGS | changed | {"refit": True},
    )
    assert "PASS sql_scores_like_python" in output
    assert warehouse.query("from segment_versions")["model_version"].tolist() == [1, 2]
    first = "from segment_model where model_version = 1"
    pd.testing.assert_frame_equal(warehouse.query(first), built_tonight.query(first), check_exact=True)
    seen = warehouse.query(
        "select model_version, count(avg_delivery_days) > 0 as seen from fit_segment_labels group by 1 order by 1"
    )
    assert seen["seen"].tolist() == [False, True]
    with pytest.raises(UserError, match="was not a whole dbt build with its tests: run dbt build without a selection"):
        publish(built_tonight.serving, warehouse.path)


def corrupt_labels(folder: Path) -> None:
    path = folder / "versions" / "fit_segment_labels.parquet"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-100])


def lose_model(folder: Path) -> None:
    (folder / "versions" / "fit_segment_model.parquet").unlink()


def lose_boundaries(folder: Path) -> None:
    (folder / "versions" / "fit_lifecycle_boundaries.parquet").unlink()


def garble_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.chmod(0o644)
    path.write_text("[1, 2")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    slow_after(
        1,
        [
            (corrupt_labels, "fit_segment_labels.parquet' is not the file of model versions that was published"),
            (lose_model, "fit_segment_model.parquet', which holds model versions, is missing"),
            (lose_boundaries, "fit_lifecycle_boundaries.parquet', which holds model versions, is missing"),
            (garble_manifest, "manifest.json' does not name the published model versions"),
        ],
    ),
)
def test_spoiled_versions_stop_the_build_before_anything_is_made(
    built_tonight: Warehouse, nights: Nights, tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    folder = tmp_path / "a folder [1]"
    shutil.copytree(built_tonight.serving, folder)
    spoil(folder)
    warehouse = Warehouse(tmp_path / "warehouse", folder)
    output = warehouse.dbt(
        "run", "--select", "stg_olist__orders", data=nights.tonight, variables=SETTINGS, succeeds=False
    )
    assert sentence in output
    assert f"or move '{folder}' away to start with version 1." in output
    assert warehouse.query("select * from duckdb_tables() where schema_name = 'main'").empty
    with pytest.raises(UserError, match=r"did not come to its end|had 1 failed step \(the hook on-run-start\): fix"):
        publish(folder, warehouse.path)


def test_versions_of_other_customers_are_not_taken_back(built: Warehouse, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(SAMPLE, data)
    path = data / "olist_customers_dataset.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"create table others as select * replace (md5(customer_unique_id) as customer_unique_id) from '{path}'"
        )
        connection.execute(f"copy others to '{path}' (format parquet)")
    warehouse = Warehouse(tmp_path / "warehouse", built.serving)
    output = warehouse.dbt("run", "--select", "stg_olist__orders", data=data)
    assert "were fitted on other customers (0 of 2866 are known here) and are not taken back" in output
    assert warehouse.query("select * from duckdb_tables() where table_name like 'fit_%'").empty
