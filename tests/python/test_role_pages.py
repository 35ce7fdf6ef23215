"""The pages by role: their commands run as they stand, and their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from olist_segments.cli import build_parser, main
from warehouses import PROJECT, Warehouse

PAGES = sorted((PROJECT / "docs").glob("for_*.md"))
# They build, or fit for minutes: the tests of builds and refits run them.
DEAR = ("refit", "refit-if-due", "publish")


def commands(page: Path) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_there_is_a_page_for_each_role() -> None:
    assert [page.stem for page in PAGES] == ["for_analysts", "for_data_engineers", "for_marketers"]
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    for page in (*PAGES, PROJECT / "docs" / "bi.md"):
        assert f"docs/{page.name}" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_of_a_page_run(
    page: Path, built: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(built.serving, tmp_path / "serving", symlinks=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OLIST_SERVING_DIR", str(tmp_path / "serving"))
    monkeypatch.setenv("OLIST_WAREHOUSE", str(built.path))
    monkeypatch.setenv("OLIST_CAMPAIGN_DIR", str(tmp_path / "campaigns"))
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert commands(page)
    for line in commands(page):
        program, *arguments = shlex.split(line)
        if program == "make":
            assert set(arguments) <= targets, line
            continue
        assert program == "olist-segments", line
        if arguments[0] in DEAR:
            build_parser().parse_args(arguments)
            continue
        # 3: the contract, or an alert, asks for somebody.
        assert main(arguments) in ((0, 3) if arguments[0] in ("contract", "alert") else (0,)), line
        told = capsys.readouterr()
        assert told.out
        assert not told.err
        if "--out" in arguments:
            assert (tmp_path / arguments[arguments.index("--out") + 1]).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(#[^)]+)?\)", page.read_text(encoding="utf-8"))
    assert links
    for file, anchor in links:
        target = (page.parent / file).resolve()
        assert target.exists(), file
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor[1:] in {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
