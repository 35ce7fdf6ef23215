"""What a figure is: a finding in words, drawings or a table, and the rows behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from olist_segments.report import charts
from olist_segments.report.source import Answer
from olist_segments.report.words import cents, count, decimals, plain, share1, share2, signed

Style = Callable[[Any], str]


def three(value: float | None) -> str:
    """A number with three decimals."""
    return decimals(value, 3)


def four(value: float | None) -> str:
    """A number with four decimals."""
    return decimals(value, 4)


_NUMBERS = (count, decimals, share1, share2, cents, signed, three, four)


@dataclass(frozen=True)
class Column:
    """A column of a table: its name in the query, its heading, how its values are written."""

    name: str
    heading: str
    style: Style = plain

    @property
    def is_number(self) -> bool:
        """True for what is written to the right."""
        return self.style in _NUMBERS


@dataclass(frozen=True)
class Choice:
    """One of several drawings of a figure: its label and its SVG, wide and narrow."""

    label: str
    drawings: list[str]


@dataclass(frozen=True)
class Figure:
    """One figure: the finding, how to read it, the drawings (none for a table), and the rows behind it."""

    name: str
    title: str
    reading: str
    answer: Answer
    columns: list[Column]
    as_of: str
    choices: list[Choice] = field(default_factory=list)
    choice_label: str = ""

    @property
    def is_table(self) -> bool:
        """True where the table is the figure."""
        return not self.choices


def drawn(name: str, chart: Callable[[int], Any], alternative: str) -> list[Choice]:
    """The only drawing of a figure."""
    return [Choice("", charts.render(name, chart, alternative))]


def unique(names: Iterable[str]) -> list[str]:
    """The names without repetition, in their order."""
    return list(dict.fromkeys(names))
