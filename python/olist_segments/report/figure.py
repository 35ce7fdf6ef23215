"""What a figure is: data from report.yml (query, columns, words) and a finding made from the rows of its query."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from olist_segments.forecast_words import model_name
from olist_segments.report import charts, words
from olist_segments.report.source import Answer, Row
from olist_segments.shop import Shop

_IS_KNOWN = "is_known"
_NUMBERS = ("count", "difference", "decimals", "share1", "share2", "cents", "signed", "three", "four")
_STYLES: dict[str, Callable[[Any], str]] = {
    "plain": words.plain,
    "count": words.count,
    "difference": words.difference,
    "decimals": words.decimals,
    "share1": words.share1,
    "share2": words.share2,
    "cents": words.cents,
    "signed": words.signed,
    "three": words.three,
    "four": words.four,
    "forecast_model": model_name,
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its name in the query, its heading, how its values are written (a key of the styles)."""

    name: str
    heading: str
    style: str = "plain"

    @property
    def is_number(self) -> bool:
        """True for what is aligned to the right."""
        return self.style in _NUMBERS

    def write(self, value: object) -> str:
        """A value of the column as text."""
        return words.plain(None) if value is None else _STYLES[self.style](value)


@dataclass(frozen=True)
class Choice:
    """One of several drawings of a figure: its label and its SVG, wide and narrow."""

    label: str
    drawings: list[str]


@dataclass(frozen=True)
class Finding:
    """What the rows of a figure say: the title, the date, the chart (none for a table) or several of them by label.

    `alternative`: the chart in words; `words`: what replaces the `{…}` in the figure's reading.
    """

    title: str
    as_of: str
    chart: Callable[[int], Any] | None = None
    alternative: str = ""
    choices: Mapping[str, tuple[Callable[[int], Any], str]] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """One figure: the finding, how to read it, the drawings (none for a table), and the rows behind it."""

    name: str
    title: str
    reading: str
    answer: Answer
    columns: list[Column]
    as_of: str
    choices: list[Choice]
    choice_label: str

    @property
    def is_table(self) -> bool:
        """True where the table is the figure."""
        return not self.choices


@dataclass(frozen=True)
class Tables:
    """What the page is made from: the answers by query, the colour of each segment, the date of the page, the shop."""

    answers: Mapping[str, Answer]
    colours: Mapping[str, str]
    as_of: date
    shop: Shop = field(default_factory=Shop)

    def rows(self, query: str) -> list[Row]:
        """The rows of a query."""
        return self.answers[query].rows

    @property
    def terms(self) -> Row | None:
        """The row of the contract in force, if there is one."""
        return next((row for row in self.rows("contract") if row["is_the_contract"]), None)


def make_figure(name: str, spec: Mapping[str, Any], answer: Answer, finding: Finding, shop: Shop) -> Figure:
    """The figure `name`: its entry in report.yml filled with what was found and with what the shop has."""
    words = shop_words(shop) | dict(finding.words)
    choices = [
        Choice(label, charts.render(f"{name}-{number}", chart, alternative))
        for number, (label, (chart, alternative)) in enumerate(finding.choices.items(), 1)
    ]
    if finding.chart is not None:
        choices = [Choice("", charts.render(name, finding.chart, finding.alternative))]
    return Figure(
        name,
        finding.title,
        spec["reading"].format(**words),
        answer,
        _columns(spec, shop, answer),
        finding.as_of,
        choices,
        spec.get("choice_label", ""),
    )


def _columns(spec: Mapping[str, Any], shop: Shop, answer: Answer) -> list[Column]:
    """The columns of a figure without those of what the shop does not have, or of what is not known."""
    columns = []
    for name, heading, *others in spec["columns"]:
        style, *flags = others or ["plain"]
        is_known = _IS_KNOWN not in flags or any(row[name] is not None for row in answer.rows)
        if is_known and shop.has(*(flag for flag in flags if flag != _IS_KNOWN)):
            columns.append(Column(name, heading.format(**shop_words(shop)), style))
    return columns


def shop_words(shop: Shop) -> dict[str, str]:
    """What replaces the `{…}` about the shop in all words of report.yml."""
    stars = " or stars" if shop.has_reviews else ""
    return {
        "in_currency": shop.in_currency,
        "currency_each": f" {shop.currency}" if shop.currency else "",
        "bracketed_currency": f" ({shop.currency})" if shop.currency else "",
        # The limits of spend are amounts in BRL.
        "rfm_limits": "fixed limits on recency, frequency and spend"
        if shop.currency == "BRL"
        else "fixed limits on recency and frequency, and by fifths of spend",
        "campaign_units": f"percentage points{', ' if stars else ' or '}{shop.currency or 'amounts of money'}{stars}",
    }


def unique(names: Iterable[str]) -> list[str]:
    """The names without repetition, in their order."""
    return list(dict.fromkeys(names))
