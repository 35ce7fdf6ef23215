"""The models and rules of thumb of the forecasts in the words of the report, the summary and the campaign lists."""

from __future__ import annotations

import re

# What a recorded reason begins with, which the sentence around it says already.
_VERDICT = re.compile(r"^(chosen|abstaining, [^:]* stand in): ")
_MODELS = {
    "hiatus": "days since the last purchase",
    "naive": "came back or not, and days since the last purchase",
    "rfm": "RFM rules",
    "kind_stage": "kind and stage",
    "bgnbd": "BG/NBD",
    "mbgnbd": "MBG/NBD",
    "logistic": "logistic regression",
}
_RECALIBRATED = "_recalibrated"

PAST_RATE = "every customer has the past rate of a group, not a forecast of their own"
"""What abstaining means."""


def model_name(model: str) -> str:
    """A model of forecast_candidates in words; one that is not known by its key."""
    plain = model.removesuffix(_RECALIBRATED)
    return _MODELS.get(plain, plain) + (", recalibrated" if plain != model else "")


def reason_words(reason: str) -> str:
    """A reason of forecast_versions as the end of a sentence, without the verdict that it gives the reason of."""
    return _VERDICT.sub("", reason).rstrip(".")
