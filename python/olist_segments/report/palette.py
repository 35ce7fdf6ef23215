"""Colours: one for each segment, the same in every chart, by CSS variables that differ in light and dark.

The categorical colours are told apart with protanopia, deuteranopia and tritanopia (tests compute it); beyond six
segments the labels beside the marks have to help.
"""

from __future__ import annotations

from collections.abc import Sequence

LIGHT = {
    "page": "#ffffff",
    "panel": "#f6f7f9",
    "ink": "#1b2430",
    "muted": "#566170",
    "rule": "#dde2e8",
    "mark": "#8a95a5",
    "accent": "#2b5fb0",
    "accent-soft": "#e8effa",
    "alarm": "#b3361f",
    "alarm-soft": "#fbeae6",
}
DARK = {
    "page": "#15181d",
    "panel": "#1d2128",
    "ink": "#e8ebf0",
    "muted": "#a4aebb",
    "rule": "#343b46",
    "mark": "#7d8898",
    "accent": "#85b1f7",
    "accent-soft": "#1f2c40",
    "alarm": "#f58d78",
    "alarm-soft": "#3a211d",
}
SEGMENTS_LIGHT = (
    "#2f6fc4",
    "#d9790a",
    "#12a096",
    "#741a4a",
    "#66600c",
    "#5a35a8",
    "#596273",
    "#20346b",
    "#b0542e",
    "#d95fa8",
)
SEGMENTS_DARK = (
    "#4a86e8",
    "#f5b04c",
    "#7fe0cb",
    "#c9798f",
    "#8f8a2e",
    "#b9b1ff",
    "#737d8c",
    "#cfe6ff",
    "#e8743f",
    "#a64d86",
)
REASONS_LIGHT = ("#aab3c0", "#2b5fb0", "#e08b2c", "#12a096", "#1b2430", "#741a4a")
REASONS_DARK = ("#596374", "#6ea2f5", "#f5b04c", "#7fe0cb", "#ffffff", "#c9798f")
SEQUENCE_LIGHT = ("#eef2f8", "#d3e0f2", "#a9c4e8", "#7aa3da", "#3f74bd", "#1d4a8c")
SEQUENCE_DARK = ("#20262f", "#233650", "#2a4d7c", "#3569ab", "#6b9be0", "#b4d0fb")
DIVERGING_LIGHT = ("#a5521c", "#dd9558", "#f6dcc3", "#f1f3f6", "#cfe0f2", "#7aa3da", "#2c5fa6")
DIVERGING_DARK = ("#f2a768", "#9c5f2d", "#4a3422", "#262b33", "#21364f", "#3f6fae", "#93bdf7")


def variables(is_dark: bool) -> dict[str, str]:
    """The CSS variables of one scheme, without their leading dashes; `on-…` is the text on a filled cell."""
    plain = DARK if is_dark else LIGHT
    found = dict(plain)
    families = {
        "segment": SEGMENTS_DARK if is_dark else SEGMENTS_LIGHT,
        "reason": REASONS_DARK if is_dark else REASONS_LIGHT,
        "sequence": SEQUENCE_DARK if is_dark else SEQUENCE_LIGHT,
        "diverging": DIVERGING_DARK if is_dark else DIVERGING_LIGHT,
    }
    for family, colours in families.items():
        for number, colour in enumerate(colours, start=1):
            found[f"{family}-{number}"] = colour
            if family in ("sequence", "diverging"):
                found[f"on-{family}-{number}"] = max(("#ffffff", "#10151c"), key=lambda ink: contrast(ink, colour))
    return found


def contrast(first: str, second: str) -> float:
    """The contrast of two colours like #1b2430, 1 to 21 (WCAG 2.2)."""
    brighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def assign(keys: Sequence[str], present: Sequence[str]) -> dict[str, str]:
    """The colour of each segment key, as a CSS value.

    `keys`: every segment that ever was, oldest first, so that a new one takes no old one's colour; `present`: those of
    today, which come first where there are more segments than colours.
    """
    ordered = list(dict.fromkeys([*keys, *present]))
    if len(ordered) > len(SEGMENTS_LIGHT):
        ordered.sort(key=lambda key: key not in set(present))
    colours = [f"var(--segment-{number})" for number in range(1, len(SEGMENTS_LIGHT) + 1)]
    return {key: colours[place] if place < len(colours) else "var(--mark)" for place, key in enumerate(ordered)}


def binned(value: float, edges: Sequence[float], family: str) -> tuple[str, str]:
    """Fill and text colour of a value: the family's colour after as many `edges` as the value reaches."""
    number = 1 + sum(value >= edge for edge in edges)
    return f"var(--{family}-{number})", f"var(--on-{family}-{number})"


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
