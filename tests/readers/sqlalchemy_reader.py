"""Reads the served file through duckdb-engine as Superset does, once for each line on standard input.

Prints a JSON object a line: what the connection opened first sees ("held") and what a new one does ("fresh").
"""

from __future__ import annotations

import json
import sys

from sqlalchemy import Connection, NullPool, create_engine, text

file, query = sys.argv[1:]
# Without a pool, as in Superset: a pooled connection would go on reading the build that it was opened on.
engine = create_engine(
    f"duckdb:///{file}",
    connect_args={"read_only": True, "config": {"enable_external_access": False, "lock_configuration": True}},
    poolclass=NullPool,
)


def ask(connection: Connection) -> list[int]:
    return [int(value) for value in connection.execute(text(query)).one()]


held = engine.connect()
for _ in sys.stdin:
    with engine.connect() as fresh:
        print(json.dumps({"held": ask(held), "fresh": ask(fresh)}), flush=True)
