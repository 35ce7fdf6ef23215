"""What asks for somebody today: the table alerts, and whether the last build passed, as text, JSON or a message.

The message goes to a webhook that takes what Slack's take. It holds counts and names of segments, campaigns and rules,
and no customer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb

from olist_segments.errors import UserError
from olist_segments.serving.audience import shown
from olist_segments.serving.publish import failures
from olist_segments.serving.reader import open_warehouse, query_rows, warehouse_path
from olist_segments.serving.tables import add_source_option, choose_source, open_tables

NOTHING = "Nothing needs a person today."
SOMETHING_ASKS, NOT_SENT = 3, 4
"""Exit codes of --exit-code."""
TIMEOUT_SECONDS = 10

_ALERTS = "from alerts order by alert_name, subject, sentence"
_AS_OF = "select as_of_date from as_of_dates where is_newest"
_LAST_BUILD = "select * from build_log.builds order by rowid desc limit 1"


@dataclass(frozen=True)
class Alerts:
    """What asks for somebody, each as a row of the table alerts.

    `as_of_date`: of the tables, None where a failed build left none to read. `unknown`: why nobody can say whether the
    last build passed, None where that is known or nothing was built here.
    """

    rows: list[dict[str, Any]]
    as_of_date: date | None
    unknown: str | None = None


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `olist-segments alert`."""
    parser = commands.add_parser("alert", help="say what needs a person today")
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.add_argument(
        "--webhook",
        type=_address,
        metavar="URL",
        help='also send what there is to say as {"text": …}, as Slack takes it; nothing is sent where there is nothing',
    )
    parser.add_argument(
        "--exit-code",
        action="store_true",
        help=f"exit {SOMETHING_ASKS} when something needs a person, {NOT_SENT} when the webhook took no message; "
        "without it, 0",
    )
    add_source_option(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    alerts = read_alerts(arguments.source)
    print(_json(alerts) if arguments.json else _text(alerts))
    code = SOMETHING_ASKS if alerts.rows else 0
    if arguments.webhook and alerts.rows:
        fault = send(arguments.webhook, _text(alerts))
        if fault:
            code = NOT_SENT
            print(f"olist-segments: {fault}", file=sys.stderr)
    return code if arguments.exit_code else 0


def read_alerts(kind: str | None = None) -> Alerts:
    """What asks for somebody, by the tables and by the notes of the warehouse on its last build.

    `kind`: one of SOURCES, or None for the published tables if there are any. UserError if there are no tables, unless
    a failed build is why.
    """
    failed, unknown = _last_build(warehouse_path())
    try:
        with open_tables(choose_source(kind)) as connection:
            as_of = connection.execute(_AS_OF).fetchall()
            rows = query_rows(connection, _ALERTS)
    except UserError:
        if not failed:
            raise
        return Alerts(failed, None)
    return Alerts(failed + rows, as_of[0][0] if as_of else None, unknown)


def _last_build(warehouse: Path) -> tuple[list[dict[str, Any]], str | None]:
    """An alert where the last build of `warehouse` failed or was killed; why that can't be told, where it can't."""
    if not warehouse.is_file():
        return [], None
    try:
        with open_warehouse(warehouse) as connection:
            noted = query_rows(connection, _LAST_BUILD)
    except UserError as error:
        return [], str(error)
    except duckdb.CatalogException:
        return [], None
    if not noted or (noted[0]["finished_at"] is not None and not noted[0]["failure_count"]):
        return [], None
    build = noted[0]
    how = "did not come to its end" if build["finished_at"] is None else f"had {failures(build)}"
    alert = {
        "alert_name": "build_failed",
        "subject": f"dbt {build['command']}",
        "as_of_date": None,
        "since": build["started_at"].date(),
        "affected_count": build["failure_count"],
        "sentence": f"The last dbt {build['command']} (started {build['started_at']:%Y-%m-%d %H:%M} UTC) {how}.",
        "action": "Read logs/dbt.log and build again; until then readers keep what was published before.",
    }
    return [alert], None


def _text(alerts: Alerts) -> str:
    """The alerts for people, one line each."""
    unknown = [f"Whether the last build passed is not known: {shown(alerts.unknown)}"] if alerts.unknown else []
    if not alerts.rows:
        return "\n".join([NOTHING, *unknown])
    count = len(alerts.rows)
    things = "1 thing needs" if count == 1 else f"{count} things need"
    as_of = "" if alerts.as_of_date is None else f" (data as of {alerts.as_of_date})"
    lines = [shown(" ".join(part for part in (row["sentence"], row["action"]) if part)) for row in alerts.rows]
    return "\n".join([f"{things} a person today{as_of}:", *(f"- {line}" for line in lines), *unknown])


def _json(alerts: Alerts) -> str:
    told = {"as_of_date": alerts.as_of_date, "last_build_unknown": alerts.unknown, "alerts": alerts.rows}
    return json.dumps(told, default=_plain, indent=2)


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value)} has no place among alerts")


def send(address: str, text: str) -> str | None:
    """Post `text` to the webhook at `address`; what went wrong, without the address, whose path is a secret."""
    # As Slack asks; a name could otherwise call everybody of a channel.
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    request = urllib.request.Request(
        address,
        data=json.dumps({"text": escaped}).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    host = urlsplit(address).hostname
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        reason = f"it answered with status {error.code}"
    except urllib.error.URLError as error:
        reason = _reason(error.reason)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = _reason(error)
    return f"the webhook at {host} took no message ({shown(reason)}): check its address, and read the alerts above."


def _reason(error: object) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_SECONDS} seconds"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A webhook answers where it is; elsewhere the message would go to somebody else."""

    def redirect_request(self, *_: Any) -> None:
        """Never follow."""


def _address(text: str) -> str:
    """An option that is the address of a webhook."""
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not text.isascii() or not text.isprintable() or " " in text:
        raise argparse.ArgumentTypeError("it is no address like https://hooks.example.org/services/…")
    return text
