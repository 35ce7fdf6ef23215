"""Versions of the segmentation model: fitted rarely, appended, never changed.

Three tables are written back, each append-only: the evidence of a version's candidates, the model itself (one row a
segment and feature), and the labels of the customers it was fitted on. A build calls all three every time; they do
nothing unless there is no version yet or a refit is asked for, so a nightly build never refits by itself. Nor does it
load what fits, or read what is fitted on: that happens where something is due.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import Any

import numpy as np
import pandas as pd

from olist_segments.arrays import IntArray
from olist_segments.errors import UserError
from olist_segments.model.agreement import contingency
from olist_segments.model.features import known_of
from olist_segments.model.model import BOUNDS, Model
from olist_segments.model.naming import NamingRule, SegmentName, name_segments, profile_segments
from olist_segments.model.scaling import design_matrix, fit_scaling
from olist_segments.selection.columns import FIGURES
from olist_segments.selection.rule import Incumbent
from olist_segments.selection.search import Search

# Columns of the evidence that are equal where data, settings and packages are.
_FITTED = [
    "feature_set",
    "algorithm",
    "setting",
    "parameters",
    "is_chosen",
    "data_as_of",
    "random_seed",
    "package_versions",
]
_PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "olist-segments")


def append_candidates(
    fit_input: Callable[[], pd.DataFrame],
    existing: pd.DataFrame | None,
    search: Search,
    *,
    refit: bool,
    history: Callable[[], pd.DataFrame] | None = None,
    is_interrupted: bool = False,
) -> pd.DataFrame:
    """The evidence rows of the next version, or none.

    `fit_input`: gives the table segment_fit_input (customers of the fit date and of the outcome date), `history` the
    rows of ageing_features, for the shelf lives; both are called only when there is a fit. `existing`: the rows written
    so far, or None before the first. `search`: what competes, and how it is chosen, of the feature sets that the
    customers have values of (`Search.known_to`). `is_interrupted`: the newest version there is of a build that was
    killed (`fitted_by_a_killed_build`); where the refit finds its evidence again, that version is the one asked for and
    none is appended. UserError where there is nobody to segment.
    """
    is_first = existing is None or existing.empty
    if not is_first and not refit:
        assert existing is not None
        return _none_of(existing)
    from olist_segments.selection.candidates import evaluate_candidates

    customers = fit_input()
    fit_customers = customers[customers["input_role"] == "fit"]
    if fit_customers.empty:
        raise UserError(
            "nobody bought anything in the months that history runs over (table order_months): there is nobody to "
            "segment; look at the dates and the customers of the orders."
        )
    past = customers[customers["input_role"] == "outcome"]
    candidates = evaluate_candidates(
        fit_customers,
        search.known_to(fit_customers),
        past=past if len(past) else None,
        history=None if history is None else history(),
        incumbent=newest_recipe(existing),
    )
    number = 1 if existing is None or existing.empty else int(existing["model_version"].max()) + 1
    versions = {package: package_version(package) for package in _PACKAGES}
    candidates.insert(0, "model_version", number)
    candidates["data_as_of"] = fit_customers["as_of_date"].iloc[0]
    candidates["fitted_at"] = datetime.now(UTC).replace(tzinfo=None)
    candidates["random_seed"] = search.seed
    candidates["package_versions"] = json.dumps(versions, sort_keys=True)
    if existing is not None and is_interrupted and is_same_evidence(candidates, existing, _FITTED):
        return _none_of(existing)
    return candidates


def newest_recipe(existing: pd.DataFrame | None) -> Incumbent | None:
    """What the newest version among rows of the evidence was made by; None without one, and for one of one segment."""
    if existing is None or existing.empty:
        return None
    newest = existing[existing["is_chosen"] & (existing["model_version"] == existing["model_version"].max())].iloc[0]
    if newest["algorithm"] == "none":
        return None
    return Incumbent(int(newest["model_version"]), newest["feature_set"], newest["algorithm"], newest["setting"])


def _none_of(existing: pd.DataFrame) -> pd.DataFrame:
    """No row, in the columns of the evidence: those of an earlier release lack some of its figures."""
    missing = {name: pd.Series(dtype=np.float64) for name in FIGURES if name not in existing.columns}
    return existing.head(0).assign(**missing)


def fitted_by_a_killed_build(
    existing: pd.DataFrame | None, builds: pd.DataFrame | None, version: str = "model_version"
) -> bool:
    """Whether the newest version was fitted by a build that never came to its end, nor any build since.

    `existing`: the evidence rows written so far, their version in the column `version`. `builds`: the notes in
    build_log.builds in the order they were taken, that of the running build last; None where none are.
    """
    if existing is None or existing.empty or builds is None:
        return False
    ended = np.flatnonzero(builds["finished_at"].notna())
    killed = builds.iloc[ended[-1] + 1 if len(ended) else 0 : -1]
    newest = existing.loc[existing[version] == existing[version].max(), "fitted_at"].max()
    return bool(len(killed) and newest >= killed["started_at"].min())


def append_models(
    candidates: pd.DataFrame,
    fit_input: Callable[[], pd.DataFrame],
    archetypes: pd.DataFrame,
    existing: pd.DataFrame | None,
    features: Mapping[str, str],
    rule: NamingRule,
    min_known_share: float = 0.0,
) -> pd.DataFrame:
    """The model rows (segment × feature) of every chosen candidate that has none yet.

    `fit_input`: gives the table segment_fit_input; called only when there is such a candidate.
    `features`: the transform of every feature that a segment is described by, where the customers have values of it
    (`known_of`, with `min_known_share`); `rule`: what it takes for a name.
    Columns: see the model segment_model.
    """
    written = set() if existing is None else set(existing["model_version"])
    chosen = candidates[candidates["is_chosen"]].sort_values("model_version")
    chosen = chosen[~chosen["model_version"].isin(written)]
    customers = _fit_customers(fit_input()) if len(chosen) else None
    appended: list[pd.DataFrame] = [] if existing is None else [existing]
    for _, candidate in chosen.iterrows():
        assert customers is not None
        before = pd.concat(appended) if appended else None
        appended.append(_model_rows(candidate, customers, archetypes, before, features, rule, min_known_share))
    new = appended[0 if existing is None else 1 :]
    if new:
        return pd.concat(new, ignore_index=True)
    if existing is None:
        return made_up_model(features).head(0)
    # The versions of a release without bounds are read without them.
    unbounded = {name: pd.Series(dtype=np.float64) for name in BOUNDS if name not in existing.columns}
    return existing.head(0).assign(**unbounded)


def append_labels(
    model: pd.DataFrame,
    fit_input: Callable[[], pd.DataFrame],
    existing: pd.DataFrame | None,
    features: Mapping[str, str],
) -> pd.DataFrame:
    """The labels of the fit date's customers under the versions newer than any labelled, with their `features` as seen.

    `fit_input`: gives the table segment_fit_input; called only where there is such a version. `existing`: a row of each
    version labelled so far, or None before the first. An older version without labels has lost all of its customers
    since, and gets no others.
    """
    if existing is None and model.empty:
        return append_labels(made_up_model(features), lambda: made_up_customer(features), None, features).head(0)
    newest = int(model["model_version"].max())
    labelled = newest - 1 if existing is None or existing.empty else int(existing["model_version"].max())
    customers = _fit_customers(fit_input()) if newest > labelled else None
    new = []
    for number in range(labelled + 1, newest + 1):
        assert customers is not None
        version = Model.from_rows(model[model["model_version"] == number])
        labels = version.labels(customers)
        new.append(
            pd.DataFrame(
                {
                    "customer_unique_id": customers["customer_unique_id"],
                    "model_version": number,
                    "as_of_date": customers["as_of_date"],
                    "segment_number": labels + 1,
                    "segment_key": np.array(version.keys)[labels],
                    **{feature: customers[feature] for feature in sorted(features)},
                }
            )
        )
    if new:
        return pd.concat(new, ignore_index=True)
    assert existing is not None
    unseen = {feature: pd.Series(dtype=np.float64) for feature in sorted(set(features) - set(existing.columns))}
    return existing.head(0).assign(**unseen)


def made_up_customer(features: Mapping[str, str]) -> pd.DataFrame:
    """A fit's input of one customer who does not exist, `features` being the transforms: for the columns of a table
    without rows, which a build that reads none (`dbt build --empty`) makes."""
    today = pd.Timestamp(2018, 1, 1)
    return pd.DataFrame(
        {"input_role": ["fit"], "customer_unique_id": [""], "as_of_date": [today], **{name: [1.0] for name in features}}
    )


def made_up_model(features: Mapping[str, str]) -> pd.DataFrame:
    """The model of `made_up_customer`: one segment of everybody."""
    customers = made_up_customer(features)
    archetypes = pd.DataFrame(columns=["segment_key", "segment_name"])
    candidates = append_candidates(lambda: customers, None, Search({"": list(features)}, features), refit=False)
    return append_models(candidates, lambda: customers, archetypes, None, features, NamingRule(0, 0, 0))


def is_same_evidence(
    candidates: pd.DataFrame, existing: pd.DataFrame, fitted: Sequence[str], version: str = "model_version"
) -> bool:
    """Whether the newest version in `existing` came from the same data and settings as `candidates`.

    `fitted`: the columns that are equal then; `version`: the column of the version.
    """
    columns = list(fitted)
    newest = existing[existing[version] == existing[version].max()]
    found, known = (
        frame[columns].astype(object).fillna("").astype(str).sort_values(columns).reset_index(drop=True)
        for frame in (candidates, newest)
    )
    return found.equals(known)


def _fit_customers(fit_input: pd.DataFrame) -> pd.DataFrame:
    customers = fit_input[fit_input["input_role"] == "fit"]
    return customers.sort_values("customer_unique_id").reset_index(drop=True)


def _model_rows(
    candidate: pd.Series[Any],
    customers: pd.DataFrame,
    archetypes: pd.DataFrame,
    before: pd.DataFrame | None,
    features: Mapping[str, str],
    rule: NamingRule,
    min_known_share: float,
) -> pd.DataFrame:
    unnamed = Model.from_json(str(candidate["parameters"]))
    labels = unnamed.labels(customers)

    described = {*known_of(features, customers, min_known_share), *unnamed.transforms}
    all_scalings = fit_scaling(customers, {name: features[name] for name in features if name in described})
    all_features = [scaling.name for scaling in all_scalings]
    profile = profile_segments(customers, design_matrix(customers, all_scalings), all_features, labels, unnamed.k)
    previous, overlap = _overlap_with_previous(customers, labels, unnamed.k, before)
    names = name_segments(profile, archetypes, rule, previous=previous, overlap=overlap)
    model = replace(unnamed, names=tuple(names))
    sizes = np.bincount(labels, minlength=model.k)
    version = {
        "feature_set": candidate["feature_set"],
        "algorithm": candidate["algorithm"],
        "setting": candidate["setting"],
        "reason": candidate["reason"],
        "data_as_of": candidate["data_as_of"],
        "fitted_at": candidate["fitted_at"],
        "random_seed": int(candidate["random_seed"]),
        "package_versions": candidate["package_versions"],
    }
    return pd.DataFrame(
        [
            {
                "model_version": int(candidate["model_version"]),
                **row,
                "mean_z": profile.z[row["segment_number"] - 1, all_features.index(row["feature"])],
                "customer_count": int(sizes[row["segment_number"] - 1]),
                **version,
            }
            for row in model.to_rows()
        ]
    )


def _overlap_with_previous(
    customers: pd.DataFrame, labels: IntArray, segment_count: int, before: pd.DataFrame | None
) -> tuple[Sequence[SegmentName], IntArray | None]:
    """The names of the newest earlier version, and today's customers by new and old segment."""
    if before is None or before.empty:
        return [], None
    newest = before[before["model_version"] == before["model_version"].max()]
    old = Model.from_rows(newest)
    return old.names, contingency(labels, old.labels(customers), segment_count, old.k)
