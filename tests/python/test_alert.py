"""What needs a person: on the screen, as JSON and in a webhook, with exit codes that never stop a build unasked."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest
import yaml
from dbt.contracts.graph.manifest import Manifest
from olist_segments.cli import main
from olist_segments.serving import alert
from olist_segments.settings.model import ALERTS
from warehouses import PROJECT, Warehouse

NOTHING = "Nothing needs a person today."


class Hook(BaseHTTPRequestHandler):
    """Keeps what it is sent, and answers by the path: a status, or after a while."""

    got: list[tuple[str, dict[str, str], str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.got.append((self.path, dict(self.headers), body))
        if self.path == "/slow":
            time.sleep(1)
        status = int(self.path[1:]) if self.path[1:].isdigit() else 200
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/stolen")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    Hook.got = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def places(built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A copy of warehouse and published tables that a test may change, and the command line pointed at it."""
    copy = Warehouse(tmp_path)
    copy.serving.mkdir()
    shutil.copy(built.path, copy.path)
    shutil.copy(built.serving / "segments.duckdb", copy.serving)
    (copy.serving / "segments.duckdb").chmod(0o644)
    for name, value in copy.places.items():
        monkeypatch.setenv(name, value)
    return copy


def add_alert(places: Warehouse, sentence: str = "3 rows are odd.", action: str | None = "Ask.") -> None:
    with duckdb.connect(str(places.serving / "segments.duckdb")) as connection:
        connection.execute(
            "insert into alerts values ('unexpected_rows', 't.odd', '2018-08-31', null, 3, ?, ?)", [sentence, action]
        )


def change_log(places: Warehouse, change: str) -> None:
    with duckdb.connect(str(places.path)) as connection:
        connection.execute(change)


def test_where_nothing_asks_one_line_says_so_and_nothing_is_sent(
    places: Warehouse, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["alert", "--webhook", hook, "--exit-code"]) == 0
    assert capsys.readouterr().out == f"{NOTHING}\n"
    assert Hook.got == []
    assert main(["alert", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"as_of_date": "2018-08-31", "last_build_unknown": None, "alerts": []}


def test_what_asks_is_told_with_what_to_do_and_fails_nothing_unasked(
    places: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    add_alert(places)
    add_alert(places, "4 are not used: look.", None)
    assert main(["alert"]) == 0
    assert capsys.readouterr().out == (
        "2 things need a person today (data as of 2018-08-31):\n- 3 rows are odd. Ask.\n- 4 are not used: look.\n"
    )
    assert main(["alert", "--exit-code"]) == alert.SOMETHING_ASKS == 3
    capsys.readouterr()
    assert main(["alert", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["alerts"]
    assert first == {
        "alert_name": "unexpected_rows",
        "subject": "t.odd",
        "as_of_date": "2018-08-31",
        "since": None,
        "affected_count": 3,
        "sentence": "3 rows are odd.",
        "action": "Ask.",
    }
    assert second["action"] is None


def test_a_webhook_gets_the_text_as_slack_takes_it(
    places: Warehouse, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_alert(places, "<!channel> & \x1b[2J é.")
    assert main(["alert", "--webhook", f"{hook}/services/secret"]) == 0
    assert "\x1b" not in capsys.readouterr().out
    ((path, headers, body),) = Hook.got
    assert (path, headers["Content-Type"]) == ("/services/secret", "application/json")
    assert json.loads(body) == {
        "text": "1 thing needs a person today (data as of 2018-08-31):\n- &lt;!channel&gt; &amp; \\x1b[2J é. Ask."
    }


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/500", "it answered with status 500"),
        ("/404", "it answered with status 404"),
        ("/302", "it answered with status 302"),
        ("/slow", "no answer within 0.2 seconds"),
    ],
)
def test_a_webhook_that_fails_is_a_sentence_and_stops_nothing_unasked(
    places: Warehouse,
    hook: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    path: str,
    reason: str,
) -> None:
    monkeypatch.setattr(alert, "TIMEOUT_SECONDS", 0.2)
    add_alert(places)
    assert main(["alert", "--webhook", hook + path]) == 0
    told = capsys.readouterr()
    assert told.out.endswith("- 3 rows are odd. Ask.\n")
    assert told.err == (
        f"olist-segments: the webhook at 127.0.0.1 took no message ({reason}): check its address, and read the alerts "
        "above.\n"
    )
    assert [asked for asked, *_ in Hook.got] == [path]
    assert main(["alert", "--webhook", hook + path, "--exit-code"]) == alert.NOT_SENT == 4


def test_a_webhook_that_nobody_answers_is_told_without_its_secret(
    places: Warehouse, hook: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add_alert(places)
    for address in ("http://127.0.0.1:1/services/secret", "http://nowhere.invalid/services/secret"):
        assert main(["alert", "--webhook", address]) == 0
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        assert "took no message" in told
        assert "secret" not in told


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "hooks.example.org", "https://", "http://a b/", "http://a:x/"]
)
def test_what_is_no_address_is_refused_before_anything_is_read(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLIST_WAREHOUSE", str(tmp_path / "none"))
    with pytest.raises(SystemExit) as ended:
        main(["alert", "--webhook", address])
    assert ended.value.code == 2
    assert "it is no address like https://" in capsys.readouterr().err


def test_a_build_that_failed_or_was_killed_asks_for_somebody(
    places: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "update build_log.builds set failure_count = 1, failed_steps = ['the rule one_row_a_day'], started_at = "
    newest = " where rowid = (select max(rowid) from build_log.builds)"
    change_log(places, f"{note}timestamp '2018-09-01 02:00:00'{newest}")
    assert main(["alert", "--exit-code"]) == 3
    told = capsys.readouterr().out
    assert "(started 2018-09-01 02:00 UTC) had 1 failed step (the rule one_row_a_day)." in told
    assert "readers keep what was published before." in told
    change_log(places, f"update build_log.builds set finished_at = null{newest}")
    add_alert(places)
    assert main(["alert", "--json"]) == 0
    failed, odd = json.loads(capsys.readouterr().out)["alerts"]
    assert (failed["alert_name"], failed["since"]) == ("build_failed", "2018-09-01")
    assert failed["sentence"].endswith("did not come to its end.")
    assert odd["subject"] == "t.odd"
    # A first build that failed leaves no tables, and that is no reason to say nothing.
    shutil.rmtree(places.serving)
    change_log(places, "drop table alerts")
    assert main(["alert"]) == 0
    assert capsys.readouterr().out.startswith("1 thing needs a person today:\n- The last dbt ")


def test_tables_without_alerts_are_refused_where_no_failed_build_explains_them(
    places: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(places.serving / "segments.duckdb")) as connection:
        connection.execute("drop table alerts")
    assert main(["alert"]) == 2
    assert "does not hold all tables that this command reads" in capsys.readouterr().err


def test_published_tables_are_read_where_there_is_no_warehouse_or_a_build_holds_it(
    places: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    with duckdb.connect(str(places.path)):
        assert main(["alert"]) == 0
        told = capsys.readouterr().out
    # The same process may open its own file once more; another process may not.
    assert told.startswith(NOTHING)
    places.path.unlink()
    add_alert(places)
    assert main(["alert", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (len(told["alerts"]), told["last_build_unknown"]) == (1, None)
    places.path.write_bytes(b"no database")
    assert main(["alert"]) == 0
    assert "\nWhether the last build passed is not known: " in capsys.readouterr().out


def test_the_page_tells_every_alert_with_its_limit_and_every_exit_code() -> None:
    page = (PROJECT / "docs" / "bi.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) ?\|$", page[page.index("| alert_name |") :], flags=re.MULTILINE))
    assert set(told) == set(ALERTS)
    limits = dict(re.findall(r"`(\w+)`, ([\d.]+)", " ".join(told.values())))
    given = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    assert {name: float(limit) for name, limit in limits.items()} == given["alert_rule"]
    codes = re.findall(r"^\| (\d) \|", page[page.index("| exit code |") :], flags=re.MULTILINE)
    assert [int(code) for code in codes] == [0, 2, alert.SOMETHING_ASKS, alert.NOT_SENT]


def test_alerts_name_no_customer_and_have_the_names_that_may_be_muted(built: Warehouse, manifest: Manifest) -> None:
    node = manifest.nodes["model.olist_segments.alerts"]
    assert not [column for column in node.columns if "customer" in column]
    names = str(node.columns["alert_name"].description).rstrip(".\n ").replace(" or ", ", ").split(", ")
    assert sorted(names) == sorted(ALERTS)
    exposure = manifest.exposures["exposure.olist_segments.alert_messages"]
    with duckdb.connect(str(built.path), read_only=True) as connection:
        read = {name for query in (alert._ALERTS, alert._AS_OF) for name in connection.get_table_names(query)}
    assert {node.rsplit(".", 1)[-1] for node in exposure.depends_on.nodes} == read
