"""Values of vars are refused, in one sentence, before anything is read or written: they become SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from olist_segments.errors import UserError
from olist_segments.settings.kinds import NAMED_TWICE, NOT_ALLOWED
from olist_segments.settings.model import SENTENCE, FeatureEntry, Group, Settings

Checked = TypeVar("Checked")
GONE = {
    "feature_transforms": "give each feature its transform in the var features, like {recency_days: {transform: "
    "identity}}.",
    "auto_refit": "run olist-segments refit-if-due after the build, which refits when the contract asks for it.",
}
"""Vars of earlier releases, with what to do instead."""
_NUMBERS = ("integer", "double", "decimal(18, 2)")


def check_settings(values: Mapping[str, Any]) -> Settings:
    """All vars, checked one by one and together; UserError for the first that is wrong, or that is unknown."""
    for name in values:
        if name in GONE:
            raise UserError(f"The var {name} is gone: {GONE[name]}")
        if name not in Settings.model_fields:
            raise UserError(f"There is no var {_shown(name)}: the names of all are in dbt_project.yml, under vars.")
    return _checked("", lambda: Settings.model_validate(dict(values)))


def check_setting(name: str, value: Any) -> Any:
    """One var by itself; UserError where it is not what it may be."""
    return _checked(name, lambda: _adapter(name).validate_python(value))


def check_features(features: Mapping[str, FeatureEntry], columns: Mapping[str, Mapping[str, Any]]) -> None:
    """UserError for a feature that is no number among `columns`, or can be 0 and has a transform ln.

    `columns` are those of customer_features_monthly as dbt's graph holds them: data_type, and meta.is_positive.
    """
    for feature, entry in features.items():
        column = columns.get(feature, {})
        if column.get("data_type") not in _NUMBERS:
            raise UserError(
                f"The var features names {feature}, which is no number of the table customer_features_monthly: take it "
                "off, or add the column."
            )
        for key in ("transform", "profile_transform"):
            if getattr(entry, key) == "ln" and not column.get("meta", {}).get("is_positive"):
                raise UserError(
                    f"The var features.{feature}.{key} is 'ln', and {feature} may be 0, which has no logarithm: give "
                    "log1p."
                )


def check_forecast_terms(terms: Sequence[str], columns: Mapping[str, Mapping[str, Any]]) -> None:
    """UserError for a term that is none of `columns`, those of forecast_features, whose meta says is_term.

    The others are outcomes, or can be null.
    """
    for term in terms:
        if not columns.get(term, {}).get("meta", {}).get("is_term"):
            known = ", ".join(name for name, column in columns.items() if column.get("meta", {}).get("is_term"))
            raise UserError(f"The var forecast_terms names {term}, which is no term: the terms are {known}.")


def _checked(name: str, validate: Callable[[], Checked]) -> Checked:
    try:
        return validate()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        steps = tuple(part for part in (name, *first["loc"]) if part != "")
        sentence = _sentence(first, steps)
    raise UserError(sentence[0].upper() + sentence[1:])


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(Settings, include_extras=True)[name])


def _sentence(error: ErrorDetails, steps: tuple[int | str, ...]) -> str:
    """What pydantic has against a value that is reached by `steps` from all vars."""
    kind, given = error["type"], error["input"]
    if kind == SENTENCE:
        return error["msg"]
    if kind == NOT_ALLOWED:
        return f"{_place(steps)} is {_shown(given)}: give {error['msg']}."
    if kind == NAMED_TWICE:
        return f"{_place(steps)} names {_shown(error['ctx']['member'])} twice: name it once."
    if len(steps) == 1:
        return f"there is no value of {_place(steps)}: give it one in dbt_project.yml, under vars."
    group, key = _place(steps[:-1]), steps[-1]
    fields = _group(steps[0]).model_fields
    keys = ", ".join(fields)
    if kind == "missing":
        needed = [name for name, field in fields.items() if field.is_required()]
        return f"{group} lacks the key {key}: give {'it' if needed == [key] else f'all of {keys}'}."
    return f"{group} has no key {_shown(key)}: its keys are {keys}."


def _group(name: int | str) -> type[Group]:
    group = Settings.model_fields[str(name)].annotation
    if get_origin(group) is dict:
        group = get_args(group)[1]
    assert isinstance(group, type)
    assert issubclass(group, Group)
    return group


def _place(steps: tuple[int | str, ...]) -> str:
    """Where a value stands: "a member of the var feature_sets.rfm_review"."""
    if steps[-1] == "[key]":
        return f"a key of {_place(steps[:-2])}"
    if isinstance(steps[-1], int):
        return f"a member of {_place(steps[:-1])}"
    return f"{_place(steps[:-1])}.{steps[-1]}" if len(steps) > 1 else f"the var {steps[0]}"


def _shown(value: Any) -> str:
    """A value as a sentence shows it, at most 60 characters, none of which could steer a terminal."""
    shown = re.sub("[^ -~\u00a1-\ud7ff]", "?", str(value)[:60])
    return f"'{shown}'" if isinstance(value, str) else shown
