"""Numbers, dates and lists as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

UNKNOWN = "–"


def count(value: float | None) -> str:
    """A whole number with thousands separators: 20,038."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def plural(value: float, noun: str, nouns: str | None = None) -> str:
    """A count with its noun: 1 customer, 20,038 customers. `nouns` where it is not the noun with an s."""
    return f"{count(value)} {noun if value == 1 else nouns or noun + 's'}"


def share(value: float | None) -> str:
    """A share, 0 to 1, as precise as a sentence bears: 44%, 3.1%; under 0.05% and not nothing: under 0.1%."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.0005:
        return "under 0.1%"
    if 0.9995 <= value < 1:
        return "over 99.9%"
    return f"{value:.1%}" if 0 < value < 0.0995 or 0.99 <= value < 1 else f"{value:.0%}"


def share1(value: float | None) -> str:
    """A share, 0 to 1, with one decimal for tables and labels: 44.0%."""
    return UNKNOWN if value is None else f"{value:.1%}"


def share2(value: float | None) -> str:
    """A small share, 0 to 1, with two decimals: 0.43%."""
    return UNKNOWN if value is None else f"{value:.2%}"


def cents(value: float | None) -> str:
    """An amount to the cent: 349.56."""
    return UNKNOWN if value is None else f"{value:,.2f}"


def decimals(value: float | None, places: int = 2) -> str:
    """A number with so many decimals, a true minus sign and no negative zero."""
    if value is None:
        return UNKNOWN
    written = f"{value:,.{places}f}"
    return "0" + written[2:] if written.strip("-0.,") == "" and written.startswith("-") else written.replace("-", "−")


def three(value: float | None) -> str:
    """A number with three decimals."""
    return decimals(value, 3)


def four(value: float | None) -> str:
    """A number with four decimals."""
    return decimals(value, 4)


def signed(value: float | None) -> str:
    """A difference with its sign and one decimal: +1.1, −0.4, 0.0."""
    written = decimals(value, 1)
    return written if value is None or value <= 0 or written == "0.0" else f"+{written}"


def difference(value: float | None) -> str:
    """A difference of whole numbers with its sign: +1,203, −12, 0."""
    written = decimals(value, 0)
    return written if value is None or written.startswith("−") or written == "0" else f"+{written}"


def day(value: date | None) -> str:
    """A date: 31 August 2018."""
    return UNKNOWN if value is None else f"{value.day} {value:%B %Y}"


def month(value: date) -> str:
    """A month: Aug 2018."""
    return f"{value:%b %Y}"


def long_month(value: date) -> str:
    """A month in full: August 2018."""
    return f"{value:%B %Y}"


def listed(names: Sequence[str], joint: str = "and") -> str:
    """Names as a list in a sentence: a; a and b; a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}"


def short(name: str, at_most: int) -> str:
    """A name of at most so many letters, cut with an ellipsis."""
    return name if len(name) <= at_most else f"{name[: at_most - 1].rstrip()}…"


def a_number(value: int) -> str:
    """A count in words up to ten: two."""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[value] if 0 <= value < len(words) else count(value)


def plain(value: object) -> str:
    """Any value of a table as text."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, float):
        return decimals(value, 3)
    return count(value) if isinstance(value, int) else str(value)
