"""Reports of throw-away tables: copies of what was published, changed as a test needs."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from olist_segments.report.command import report
from olist_segments.serving.tables import open_tables
from warehouses import Warehouse

# Elements that have no end, so that nothing is in them.
VOID = {"meta", "link", "br", "hr", "img", "input"}
HOSTILE = "<script>alert(1)</script> \"quoted\" 'single' & =1+1 </style> {{ 7*7 }} ${x} --> ]]>"


class Tables:
    """A serving folder with a copy of the published tables that a test may change."""

    def __init__(self, built: Warehouse, home: Path) -> None:
        self.serving = home / "serving"
        self.serving.mkdir(parents=True)
        self.path = self.serving / "segments.duckdb"
        shutil.copy(built.serving / "segments.duckdb", self.path)
        self.path.chmod(0o644)

    @classmethod
    def read_alone(cls, built: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
        """Such a folder, the only one that commands find."""
        made = cls(built, home)
        monkeypatch.setenv("OLIST_SERVING_DIR", str(made.serving))
        monkeypatch.setenv("OLIST_WAREHOUSE", str(home / "no-warehouse.duckdb"))
        return made

    def change(self, *statements: str) -> None:
        with duckdb.connect(str(self.path)) as connection:
            for statement in statements:
                connection.execute(statement)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with open_tables(self.path) as connection:
            return connection.sql(sql).fetchall()

    def page(self) -> str:
        """The report of the tables as they are now; OLIST_SERVING_DIR has to name their folder."""
        file = self.serving.parent / "report.html"
        report(file)
        return file.read_text(encoding="utf-8")


class Page(HTMLParser):
    """A page read by a real parser: its elements, in order, and the words inside each."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append((self._open[-1] if self._open else "", " ".join(data.split())))

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str | None = None) -> str:
        """All words, or those right inside elements of `tag`; styles and scripts apart."""
        return " ".join(
            words for name, words in self.words if (tag is None and name not in ("style", "script")) or name == tag
        )
