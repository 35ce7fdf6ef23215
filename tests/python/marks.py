"""Which cases of a test are run by `make test`, and which by `make test-all` alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def slow_after(fast: int, cases: Iterable[Any]) -> list[Any]:
    """The cases as parameters, all of them slow but the first `fast`, which show what the others repeat."""
    return [
        pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=[pytest.mark.slow] if i >= fast else [])
        for i, case in enumerate(cases)
    ]
