"""A fitted model: what a version of the table segment_model holds, and what labels customers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.arrays import FloatArray, IntArray
from olist_segments.model.naming import SegmentName
from olist_segments.model.scaling import Scaling, Table, design_matrix
from olist_segments.model.segmentation import Segmentation

BOUNDS = ("lower_bound", "upper_bound")
"""Columns of segment_model that versions of the first release lack."""


@dataclass(frozen=True, eq=False)
class Model:
    """k segments over d features with the scaling that they were fitted with.

    `scalings` (d) are in the order of the features' names, `names` (k) in that of the segments; a candidate that has
    not been named has none.
    """

    scalings: tuple[Scaling, ...]
    segmentation: Segmentation
    names: tuple[SegmentName, ...] = ()

    @property
    def k(self) -> int:
        """The number of segments."""
        return self.segmentation.k

    @property
    def keys(self) -> list[str]:
        """The keys (k) of the segments."""
        return [name.key for name in self.names]

    @property
    def transforms(self) -> dict[str, str]:
        """The name of each feature's transform."""
        return {scaling.name: scaling.transform for scaling in self.scalings}

    def z(self, features: Table) -> FloatArray:
        """z (n, d) of raw `features` (n rows), scaled as at the fit; UserError as `scaling.raw_values`."""
        return design_matrix(features, self.scalings)

    def labels(self, features: Table) -> IntArray:
        """The segment (n,), from 0, of every row of raw `features`; UserError as `scaling.raw_values`."""
        return self.segmentation.labels(self.z(features))

    def to_json(self) -> str:
        """Scalings and segmentation as JSON text; floats are written so that they read back to the same bits."""
        values = {
            "scalings": [asdict(scaling) for scaling in self.scalings],
            "segmentation": self.segmentation.to_dict(),
        }
        return json.dumps(values, allow_nan=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Model:
        """The inverse of `to_json`: a model whose segments have no names."""
        values = json.loads(text)
        scalings = tuple(Scaling(**scaling) for scaling in values["scalings"])
        return cls(scalings, Segmentation.from_dict(values["segmentation"]))

    def scoring_rows(self) -> list[dict[str, Any]]:
        """The columns of segment_model that label customers: one row per segment and feature, in that order.

        Segments are numbered from 1.
        """
        return [
            {
                "segment_number": segment + 1,
                "feature": scaling.name,
                "transform": scaling.transform,
                "shift": scaling.shift,
                "scale": scaling.scale,
                "impute_value": scaling.impute_value,
                "lower_bound": _or_nan(scaling.lower_bound),
                "upper_bound": _or_nan(scaling.upper_bound),
                "is_constant": scaling.is_constant,
                "centre": self.segmentation.centre[segment, column],
                # A feature that did not vary at the fit says nothing about anybody later either.
                "inverse_variance": 0.0 if scaling.is_constant else self.segmentation.precision[segment, column],
                "bias": self.segmentation.bias[segment],
            }
            for segment in range(self.k)
            for column, scaling in enumerate(self.scalings)
        ]

    def to_rows(self) -> list[dict[str, Any]]:
        """The rows of `scoring_rows` of a model whose segments have names, with these."""
        return [
            {
                "segment_number": row["segment_number"],
                "segment_key": name.key,
                "segment_name": name.name,
                "name_source": name.source,
                "name_match_score": _or_nan(name.match_score),
                **row,
            }
            for row in self.scoring_rows()
            for name in [self.names[row["segment_number"] - 1]]
        ]

    @classmethod
    def from_rows(cls, rows: pd.DataFrame) -> Model:
        """The model of one version's rows of segment_model, in any order; match scores of names are left out.

        Rows without BOUNDS give scalings without bounds.
        """
        ordered = rows.sort_values(["segment_number", "feature"])
        first = ordered[ordered["segment_number"] == ordered["segment_number"].iloc[0]]
        scalings = tuple(_scaling(row) for _, row in first.iterrows())
        segments = ordered.drop_duplicates("segment_number")
        shape = (len(segments), len(scalings))
        segmentation = Segmentation(
            ordered["centre"].to_numpy(dtype=np.float64).reshape(shape),
            ordered["inverse_variance"].to_numpy(dtype=np.float64).reshape(shape),
            segments["bias"].to_numpy(dtype=np.float64),
        )
        columns: Iterable[pd.Series[str]] = (
            segments[column].astype(str) for column in ("segment_key", "segment_name", "name_source")
        )
        names = tuple(SegmentName(key, name, source, None) for key, name, source in zip(*columns, strict=True))
        return cls(scalings, segmentation, names)


def _scaling(row: pd.Series[Any]) -> Scaling:
    bounds = (None if pd.isna(row.get(name)) else float(row[name]) for name in BOUNDS)
    return Scaling(
        row["feature"],
        row["transform"],
        row["shift"],
        row["scale"],
        row["impute_value"],
        bool(row["is_constant"]),
        *bounds,
    )


def _or_nan(value: float | None) -> float:
    return np.nan if value is None else value
