"""Run by Superset's own Python: what its API says, as JSON. `ask.py charts`, `ask.py assets BUNDLE` or `ask.py all`."""

import io
import json
import logging
import sys
from pathlib import Path
from typing import Any

from superset.app import create_app  # type: ignore[import-not-found]

# When something was done, and by whom, differs from import to import.
MOMENTS = ("changed_on", "created_on", "changed_by", "created_by", "last_changed", "last_saved", "owners", "thumbnail")


def without_moments(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_moments(one) for key, one in value.items() if not key.startswith(MOMENTS)}
    return [without_moments(one) for one in value] if isinstance(value, list) else value


def main(what: str, bundle: str | None = None) -> Any:
    client = create_app().test_client()
    login = {"username": "admin", "password": "admin", "provider": "db"}
    token = client.post("/api/v1/security/login", json=login).json["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    def get(path: str) -> Any:
        answer = client.get(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == 200, (path, answer.json)
        return answer.json["result"]

    def listed(kind: str) -> list[Any]:
        return sorted(get(f"{kind}/?q=(page_size:100)"), key=lambda one: one["id"])

    if what == "assets":
        assert bundle is not None
        files = {"bundle": (io.BytesIO(Path(bundle).read_bytes()), "segments.zip")}
        answer = client.post("/api/v1/assets/import/", headers=headers, data=files, content_type="multipart/form-data")
        return {"status": answer.status_code, "answer": answer.json}
    if what == "charts":
        return {one["slice_name"]: get(f"chart/{one['id']}/data/")[0]["data"] for one in listed("chart")}
    details = {kind: [get(f"{kind}/{one['id']}") for one in listed(kind)] for kind in ("chart", "dataset", "dashboard")}
    return without_moments(details)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    # What Superset prints as it starts is not the answer.
    told = main(*sys.argv[1:])
    print("ANSWER " + json.dumps(told))
