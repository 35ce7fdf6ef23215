"""Parameters of a fitted forecast: rows that SQL scores with, written as JSON beside the evidence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

DIGITS = 12
"""Significant digits that a parameter is kept with: what is beyond depends on the machine."""


class Parameter(NamedTuple):
    """One number of a parameter set: see the model forecast_model."""

    part: str
    term: str
    level: str
    coefficient: float
    shift: float | None = None
    scale: float | None = None


class CannotFit(Exception):
    """A model has no forecast on a date; the text says why. Told as a reason, never to the user as an error."""


def kept(value: float) -> float:
    """`value` with DIGITS significant digits."""
    return float(f"{value:.{DIGITS}g}")


def to_json(parameters: Iterable[Parameter]) -> str:
    """The parameters as text."""
    return json.dumps([list(parameter) for parameter in parameters])


def from_json(text: str) -> list[Parameter]:
    """What `to_json` wrote."""
    return [Parameter(*values) for values in json.loads(text)]
