"""The walk-through of docs/campaigns.md: its commands are run again, and what they print is what the page shows.

    python tests/python/walkthrough.py --write   # puts what the commands print now into the page

A block of `sh` is run as it stands, in the project, in one shell after the other; the block of `text` that follows it
is what it prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "campaigns.md"
FOLDER = "quarter"
"""Where the page puts everything it makes."""
_BLOCKS = re.compile(r"```sh\n(?P<commands>.*?)```\n(?:\n```text\n(?P<shown>.*?)```\n)?", flags=re.S)
_SETTING = re.compile(r"^export (?P<names>.+)$", flags=re.M)


def run_again(page: str, home: Path, programs: Path | None = None) -> str:
    """The page with what its commands print when `home` stands for its folder; an error where one fails.

    The shell looks in the folder `programs` first.
    """
    environment = os.environ | {
        "DBT_TARGET_PATH": str(home / "target"),
        "DBT_LOG_PATH": str(home / "logs"),
        "PATH": ":".join(
            map(str, [*([programs] if programs else []), Path(sys.executable).parent, os.environ["PATH"]])
        ),
    }
    for name in ("OLIST_DATA_DIR", "OLIST_WAREHOUSE", "OLIST_SERVING_DIR", "OLIST_CAMPAIGN_DIR"):
        environment.pop(name, None)
    settings = ""

    def again(block: re.Match[str]) -> str:
        nonlocal settings
        commands = block["commands"].replace(FOLDER, str(home))
        done = subprocess.run(
            ["bash", "-euc", f"{settings}\n{commands}"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{block['commands']}\n{done.stdout}{done.stderr}"
        settings += "".join(f"{line[0]}\n" for line in _SETTING.finditer(commands))
        start = f"```sh\n{block['commands']}```\n"
        if block["shown"] is None:
            return start
        lines = [line.rstrip() for line in done.stdout.replace(str(home), FOLDER).strip("\n").splitlines()]
        return "\n".join([f"{start}\n```text", *lines, "```\n"])

    return _BLOCKS.sub(again, page)


if __name__ == "__main__":
    made = Path(sys.argv[2] if len(sys.argv) > 2 else "target/walkthrough").absolute()
    made.mkdir(parents=True)
    written = run_again(PAGE.read_text(encoding="utf-8"), made)
    if "--write" in sys.argv:
        PAGE.write_text(written, encoding="utf-8")
    else:
        print(written)
