"""The two kinds of arrays that are passed around, and tables whose types hold without a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def typed_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """The rows as a table of `columns`, name to pandas type; the types hold when it is empty too."""
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
