"""Charts: Altair specifications, drawn by vl-convert as SVG that takes its colours from the page.

Every chart comes in two widths, so that letters stay letters on a telephone. Colours are CSS variables, so that one
drawing serves light, dark and print. `tip` is what a mark says when it is pointed at.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import product
from typing import Any

import altair as alt
import vl_convert
from altair.utils.schemapi import debug_mode

from olist_segments.report.words import short

WIDE = 820
NARROW = 340


def is_wide(width: int) -> bool:
    """True for the drawing that is not for a phone."""
    return width == WIDE


Marks = list[dict[str, Any]]
# Channels as objects: Altair compares what it is given as text or as a dictionary with its whole schema.
_TIP, _TEXT = alt.Description("tip:N"), alt.Text("text:N")
_TAG = re.compile(r"<[^>]*>")
_ROUND = re.compile(r"-?\d+\.\d{2,}")
_GEOMETRY = re.compile(r' (d|transform|x|y|x1|x2|y1|y2|width|height|stroke-width)="([^"]*)"')
_NOISE = re.compile(r' (?:role|aria-roledescription|aria-hidden|pointer-events|class|font-family)="[^"]*"')
_IDENTIFIER = re.compile(r'(?<= id=")[^"]+|(?<=url\(#)[^)]+')
_EMPTY = re.compile(
    r'<path d="[^"]*"(?: fill="(?:none|transparent)"| stroke="(?:none|transparent)"| display="none")+/>'
)


@dataclass(frozen=True)
class Axis:
    """An axis of numbers: its range, its title, how d3 writes its numbers; `words` for some whole numbers instead."""

    domain: tuple[float, float]
    form: str = "d"
    title: str | None = None
    words: dict[int, str] | None = None


@dataclass(frozen=True)
class Labels:
    """The labels of a heat map's rows or columns, in order; they are wrapped after so many `characters`."""

    words: Sequence[str]
    characters: int = 12


@dataclass(frozen=True)
class Heading:
    """The heading of a row or a column of a cross table: its name, and a note in small letters."""

    name: str
    note: str


@dataclass(frozen=True)
class Box:
    """A box of a cross table: colours of box and letters, lines of which the first is bold, what it says."""

    colours: tuple[str, str]
    lines: Sequence[str]
    tip: str


@dataclass
class Rows:
    """Marks in rows that are placed by the pixel; x is a value, y counts pixels downwards."""

    texts: Marks = field(default_factory=list)
    bars: Marks = field(default_factory=list)
    ranges: Marks = field(default_factory=list)
    dots: Marks = field(default_factory=list)
    height: float = 0

    def text(self, x: float, words: str, dy: float, *, bold: bool = False, after: bool = False) -> None:
        """Words that begin at `x`, `dy` pixels below the row's top; `after` what ends there, a little to the right."""
        self.texts.append({"x": x, "y": self.height + dy, "text": words, "bold": bold, "after": after})

    def bar(
        self, x: float, dy: float, size: float, colour: str, tip: str, *, start: float = 0, faint: bool = False
    ) -> None:
        """A bar from `start` to `x`, its upper edge `dy` pixels below the row's top."""
        top = self.height + dy
        self.bars.append(
            {
                "x": start,
                "x2": x,
                "y": top,
                "y2": top + size,
                "colour": colour,
                "tip": tip,
                "alpha": 0.38 if faint else 1,
            }
        )

    def dot(
        self, x: float, dy: float, colour: str, tip: str, low: float | None = None, high: float | None = None
    ) -> None:
        """A dot, with a line from `low` to `high` where they are given."""
        y = self.height + dy
        self.dots.append({"x": x, "y": y, "colour": colour, "tip": tip})
        if low is not None and high is not None:
            self.ranges.append({"x": low, "x2": high, "y": y, "colour": colour})

    def named_dot(
        self,
        width: int,
        left: float,
        words: str,
        x: float,
        colour: str,
        tip: str,
        interval: tuple[float, float],
    ) -> None:
        """A row of its own: a dot with its interval, its words at `left` in a wide chart, above it in a narrow one."""
        self.text(left, words, 8)
        self.dot(x, 8 if is_wide(width) else 25, colour, tip, *interval)
        self.next(24 if is_wide(width) else 38)

    def next(self, height: float) -> None:
        """End the row, which is so many pixels high."""
        self.height += height


def cell(row: str, column: str, colours: tuple[str, str], text: str, tip: str) -> dict[str, Any]:
    """A cell of a heat map; `colours`: of the cell and of its text."""
    return {"row": row, "column": column, "fill": colours[0], "ink": colours[1], "text": text, "tip": tip}


def tile(
    title: str, place: Mapping[str, Any], colours: tuple[str, str], text: str, edge: str, tip: str
) -> dict[str, Any]:
    """A tile of a map with this title; `place` has the state and its tile_row and tile_column."""
    return {
        "title": title,
        "row": place["tile_row"],
        "column": place["tile_column"],
        "state": place["state"],
        "text": text,
        "fill": colours[0],
        "ink": colours[1],
        "edge": edge,
        "tip": tip,
    }


def draw_rows(
    width: int,
    rows: Rows,
    domain: tuple[float, float],
    axis: str | None = None,
    reference: tuple[float, float] | None = None,
    ticks: Sequence[float] | None = None,
) -> Any:
    """Rows over a common x scale; `axis`: its d3 format, none without; `reference`: a value to mark, from a height on.

    A domain that begins below zero leaves room for words on the left; the axis begins at zero, or as `ticks` say.
    """
    drawn_axis = _axis(axis, grid=True)
    if axis is not None:
        drawn_axis.values = ticks or _ticks(domain[1], 8 if is_wide(width) else 4)
    x = alt.X("x:Q", title=None, scale=alt.Scale(domain=domain, nice=False), axis=drawn_axis)
    y = alt.Y("y:Q", title=None, scale=alt.Scale(domain=[0, rows.height], reverse=True, nice=False), axis=None)
    layers: list[alt.Chart] = []
    if reference is not None:
        value, top = reference
        mark = [{"x": value, "y": top, "y2": rows.height}]
        layers.append(
            alt.Chart(_data(mark))
            .mark_rule(stroke="var(--muted)", strokeDash=[3, 3])
            .encode(x=x, y=y, y2=alt.Y2("y2:Q"))
        )
    if rows.bars:
        layers.append(
            alt.Chart(_data(rows.bars))
            .mark_rect(cornerRadius=1)
            .encode(
                x=x,
                x2=alt.X2("x2:Q"),
                y=y,
                y2=alt.Y2("y2:Q"),
                fill=_fill("colour"),
                fillOpacity=alt.FillOpacity("alpha:Q", scale=None),
                description=_TIP,
            )
        )
    if rows.ranges:
        layers.append(
            alt.Chart(_data(rows.ranges))
            .mark_rule(strokeWidth=2, strokeOpacity=0.55)
            .encode(x=x, x2=alt.X2("x2:Q"), y=y, stroke=_stroke("colour"))
        )
    if rows.dots:
        layers.append(
            alt.Chart(_data(rows.dots))
            .mark_point(filled=True, size=80, opacity=1)
            .encode(x=x, y=y, fill=_fill("colour"), description=_TIP)
        )
    for bold, after in product((False, True), repeat=2):
        texts = [text for text in rows.texts if (text["bold"], text["after"]) == (bold, after)]
        if texts:
            layers.append(
                alt.Chart(_data(texts))
                .mark_text(
                    align="left",
                    baseline="middle",
                    dx=6 if after else 0,
                    fontSize=13,
                    fontWeight=600 if bold else 400,
                    stroke="var(--page)",
                    strokeWidth=3,
                )
                .encode(x=x, y=y, text=_TEXT)
            )
    return alt.layer(*layers).properties(width=width - 16, height=rows.height)


def heat_map(
    width: int,
    cells: Marks,
    columns: Labels,
    rows: Labels,
    cell_height: float,
    *,
    font_size: int = 12,
    has_text: bool = True,
) -> Any:
    """Cells with `column`, `row`, `fill`, `ink`, `text` and `tip`; heights and font sizes are in pixels."""
    column_labels = wrapped(columns.words, columns.characters)
    row_labels = wrapped(rows.words, rows.characters)
    placed = [cell | {"column": column_labels[cell["column"]], "row": row_labels[cell["row"]]} for cell in cells]
    lines = alt.Axis(
        labelExpr="split(datum.label, '\\n')", domain=False, ticks=False, grid=False, labelLimit=0, labelPadding=6
    )
    top = lines.copy()
    top.orient = "top"
    top.labelAngle = 0
    top.labelOverlap = False
    # Labels of several lines hang down from their place.
    top.labelPadding = 6 + (font_size + 2) * max((label.count("\n") for label in column_labels.values()), default=0)
    x = alt.X(
        "column:O",
        sort=list(column_labels.values()),
        title=None,
        axis=top,
        scale=alt.Scale(domain=list(column_labels.values())),
    )
    y = alt.Y(
        "row:O",
        sort=list(row_labels.values()),
        title=None,
        axis=lines,
        scale=alt.Scale(domain=list(row_labels.values())),
    )
    longest = max((len(line) for label in row_labels.values() for line in label.split("\n")), default=0)
    # Room for the widest letters a reader's font may have, so that no label is cut.
    # A label of several lines is centred on its row, not its first line.
    lines.labelOffset = {
        "condition": [
            {"test": f"length(split(datum.label, '\\n')) === {number}", "value": -(number - 1) * (font_size + 2) / 2}
            for number in range(2, 6)
        ],
        "value": 0,
    }
    lines.minExtent = longest * font_size * 0.58 + 8
    inner = width - 12 - lines.minExtent
    base = alt.Chart(_data(placed))
    chart: Any = base.mark_rect(stroke="var(--page)", strokeWidth=1).encode(
        x=x, y=y, fill=_fill("fill"), description=_TIP
    )
    if has_text:
        chart = alt.layer(
            chart,
            base.mark_text(fontSize=font_size, baseline="middle").encode(x=x, y=y, text=_TEXT, fill=_fill("ink")),
        )
    return chart.properties(width=inner, height=cell_height * len(rows.words))


def cross_table(
    width: int, columns: Sequence[Heading], rows: Sequence[Heading], boxes: Mapping[tuple[int, int], Box]
) -> Any:
    """Boxes by their place (row, column) under the headings of the columns; the rows' are beside or, narrow, above."""
    wide = is_wide(width)
    left, size = (208, 12) if wide else (0, 10)
    across = (width - 16 - left) / len(columns)
    above, high = (0, 50) if wide else (24, 54)
    top = 20 + 15 * (1 + len(columns[0].note.split("\n")))
    marks: Marks = []
    texts: Marks = []

    def write(x: float, y: float, words: str, ink: str, *, is_bold: bool = False, is_centred: bool = False) -> None:
        texts.append({"x": x, "y": y, "text": words, "ink": ink, "kind": (is_bold, is_centred)})

    for number, heading in enumerate(columns):
        centre = left + (number + 0.5) * across
        write(centre, 10, short(heading.name, 18 if wide else 10), "var(--ink)", is_bold=True, is_centred=True)
        for line, note in enumerate(heading.note.split("\n")):
            write(centre, 26 + 14 * line, note, "var(--muted)", is_centred=True)
    for place, heading in enumerate(rows):
        y = top + place * (above + high)
        if wide:
            lines = textwrap.wrap(short(heading.name, 56), 30)[:2]
            first = y + high / 2 - 8 * len(lines)
            for line, words in enumerate(lines):
                write(0, first + 16 * line, words, "var(--ink)", is_bold=True)
            write(0, first + 16 * len(lines), heading.note, "var(--muted)")
        else:
            name = short(heading.name, max(12, 52 - len(heading.note)))
            write(0, y + 11, name, "var(--ink)", is_bold=True)
            write(width - 16, y + 11, heading.note, "var(--muted)")
        for number in range(len(columns)):
            box = boxes[place, number]
            x = left + number * across
            marks.append(
                {"x": x + 1, "x2": x + across - 1, "y": y + above + 1, "y2": y + above + high - 1}
                | {"fill": box.colours[0], "tip": box.tip}
            )
            first = y + above + high / 2 - 8 * (len(box.lines) - 1)
            for line, words in enumerate(box.lines):
                write(x + across / 2, first + 16 * line, words, box.colours[1], is_bold=line == 0, is_centred=True)
    height = top + len(rows) * (above + high)
    x_place = alt.X("x:Q", title=None, axis=None, scale=alt.Scale(domain=[0, width - 16], nice=False))
    y_place = alt.Y("y:Q", title=None, axis=None, scale=alt.Scale(domain=[0, height], reverse=True, nice=False))
    layers: list[alt.Chart] = [
        alt.Chart(_data(marks))
        .mark_rect(cornerRadius=2)
        .encode(x=x_place, x2=alt.X2("x2:Q"), y=y_place, y2=alt.Y2("y2:Q"), fill=_fill("fill"), description=_TIP)
    ]
    for is_bold, is_centred in product((False, True), repeat=2):
        found = [text for text in texts if text["kind"] == (is_bold, is_centred)]
        for align in ("left", "center", "right"):
            # A note in a narrow table ends at the right edge.
            own = [
                text for text in found if align == ("center" if is_centred else "right" if text["x"] > left else "left")
            ]
            if own:
                layers.append(
                    alt.Chart(_data([{name: text[name] for name in ("x", "y", "text", "ink")} for text in own]))
                    .mark_text(align=align, baseline="middle", fontSize=size, fontWeight=600 if is_bold else 400)
                    .encode(x=x_place, y=y_place, text=_TEXT, fill=_fill("ink"))
                )
    return alt.layer(*layers).properties(width=width - 16, height=height)


def tile_maps(width: int, tiles: Marks, titles: Sequence[str], columns: int, *, size: float, has_text: bool) -> Any:
    """Maps of equal tiles side by side: `title`, `row`, `column`, `state`, `text`, `fill`, `ink`, `edge` and `tip`."""
    x = alt.X(
        "column:O",
        title=None,
        axis=None,
        scale=alt.Scale(domain=sorted({tile["column"] for tile in tiles}), paddingInner=0.06),
    )
    y = alt.Y(
        "row:O",
        title=None,
        axis=None,
        scale=alt.Scale(domain=sorted({tile["row"] for tile in tiles}), paddingInner=0.06),
    )
    base = alt.Chart()
    layers = [
        base.mark_rect(cornerRadius=2, strokeWidth=1).encode(
            x=x, y=y, fill=_fill("fill"), stroke=_stroke("edge"), description=_TIP
        ),
        base.mark_text(
            fontSize=12 if has_text else 10, fontWeight=600 if has_text else 400, dy=-6 if has_text else 0
        ).encode(x=x, y=y, text=alt.Text("state:N"), fill=_fill("ink")),
    ]
    if has_text:
        layers.append(base.mark_text(fontSize=11, dy=8).encode(x=x, y=y, text=_TEXT, fill=_fill("ink")))
    across = len({tile["column"] for tile in tiles})
    down = len({tile["row"] for tile in tiles})
    chart = alt.layer(*layers, data=_data(tiles)).properties(width=size * across, height=size * down)
    if len(titles) == 1:
        return chart
    return _facet(chart, titles, columns, limit=size * across + 16)


def month_panels(
    width: int, points: Marks, titles: Sequence[str], columns: int, months: Sequence[str], *, height: float
) -> Any:
    """Bars over the same months for each title; points with `title`, `month`, `value`, `colour`, `tip`."""
    inner = (width - 50) / columns - 20
    x = alt.X(
        "month:O",
        sort=list(months),
        title=None,
        scale=alt.Scale(domain=list(months), paddingOuter=0),
        axis=_ends(months),
    )
    y = alt.Y("value:Q", title=None, axis=_axis(".0%", grid=True, ticks=3))
    base = alt.Chart()
    chart = alt.layer(
        base.mark_bar(width=alt.RelativeBandSize(0.82)).encode(x=x, y=y, fill=_fill("colour"), description=_TIP),
        data=_data(points),
    ).properties(width=inner, height=height)
    return _facet(chart, titles, columns, limit=inner)


def stacked_months(
    width: int, points: Marks, months: Sequence[str], kinds: Sequence[str], colours: Sequence[str], axis: str
) -> Any:
    """Stacked bars a month; points with `month`, `kind`, `order`, `value`, `tip`; the kinds are named above."""
    present = [
        (kind, colour) for kind, colour in zip(kinds, colours, strict=True) if any(p["kind"] == kind for p in points)
    ]
    return (
        alt.Chart(_data(points))
        .mark_bar(width=alt.RelativeBandSize(0.8))
        .encode(
            x=alt.X(
                "month:O",
                sort=list(months),
                title=None,
                scale=alt.Scale(domain=list(months)),
                axis=_axis(None, values=_spread(months, 8 if is_wide(width) else 4)),
            ),
            y=alt.Y("value:Q", title=None, axis=_axis(axis, grid=True, ticks=4)),
            fill=alt.Fill(
                "kind:N",
                scale=alt.Scale(domain=[kind for kind, _ in present], range=[colour for _, colour in present]),
                legend=alt.Legend(
                    orient="top",
                    title=None,
                    symbolType="square",
                    columns=5 if is_wide(width) else 2,
                    labelLimit=0,
                    labelFontSize=12,
                    symbolStrokeWidth=0,
                    columnPadding=26,
                ),
            ),
            order=alt.Order("order:Q"),
            description=_TIP,
        )
        .properties(width=width - 60, height=240)
    )


def lines(
    width: int,
    points: Marks,
    x_axis: Axis,
    y_axis: Axis,
    *,
    bands: Marks = (),  # type: ignore[assignment]
    labels: Marks = (),  # type: ignore[assignment]
    rules: Marks = (),  # type: ignore[assignment]
    height: float = 280,
) -> Any:
    """Lines over numbers: points with `x`, `y`, `line`, `colour`, `tip`; `rules` are levels of y."""
    axis = _axis(x_axis.form, grid=False, ticks=6)
    if x_axis.words is not None:
        axis.values = list(x_axis.words)
        cases = ", ".join(f"'{key}': '{words}'" for key, words in x_axis.words.items())
        axis.labelExpr = "({" + cases + "})[datum.value]"
    x = alt.X("x:Q", title=x_axis.title, scale=alt.Scale(domain=x_axis.domain, nice=False), axis=axis)
    y = alt.Y(
        "y:Q",
        title=y_axis.title,
        scale=alt.Scale(domain=y_axis.domain, nice=False, zero=False),
        axis=_axis(y_axis.form, grid=True, ticks=5),
    )
    layers: list[alt.Chart] = []
    if bands:
        layers.append(
            alt.Chart(_data(bands))
            .mark_area(opacity=0.18)
            .encode(x=x, y=y, y2=alt.Y2("y2:Q"), detail=alt.Detail("line:N"), fill=_fill("colour"))
        )
    if rules:
        layers.append(
            alt.Chart(_data(rules)).mark_rule(strokeDash=[4, 3], strokeWidth=1.2).encode(y=y, stroke=_stroke("colour"))
        )
    layers.append(
        alt.Chart(_data(points))
        .mark_line(strokeWidth=2.2)
        .encode(x=x, y=y, detail=alt.Detail("line:N"), stroke=_stroke("colour"))
    )
    layers.append(
        alt.Chart(_data(points))
        .mark_point(filled=True, size=22, opacity=1)
        .encode(x=x, y=y, fill=_fill("colour"), description=_TIP)
    )
    for side in ("left", "right"):
        words = [label for label in labels if label.get("align", "left") == side]
        if words:
            layers.append(
                alt.Chart(_data(words))
                .mark_text(
                    align=side,
                    baseline="middle",
                    dx=6 if side == "left" else -6,
                    fontSize=12,
                    fontWeight=600,
                    stroke="var(--page)",
                    strokeWidth=3,
                )
                .encode(x=x, y=y, text=_TEXT, fill=_fill("colour"))
            )
    return alt.layer(*layers).properties(width=width - 60, height=height)


def scatter_panels(
    width: int, points: Marks, titles: Sequence[str], columns: int, *, x_title: str, y_title: str
) -> Any:
    """Points by panel: `title`, `x`, `y`, `shape` (words), `colour`, `edge`, `size`, `label`, `tip`."""
    shapes = sorted({point["shape"] for point in points})
    base = alt.Chart()
    x = alt.X("x:Q", title=x_title, axis=_axis("d", grid=False, ticks=6), scale=alt.Scale(zero=False, padding=12))
    # Head-room for the word above the chosen one.
    lowest, highest = min(point["y"] for point in points), max(point["y"] for point in points)
    room = (highest - lowest or 1) * 0.12
    y = alt.Y(
        "y:Q",
        title=y_title,
        axis=_axis(".1f", grid=True, ticks=5),
        scale=alt.Scale(domain=[lowest - room, highest + room], nice=False, zero=False),
    )
    chart = alt.layer(
        base.mark_point(strokeWidth=1.4, opacity=1).encode(
            x=x,
            y=y,
            shape=alt.Shape(
                "shape:N",
                scale=alt.Scale(
                    domain=shapes, range=["circle", "square", "triangle-up", "diamond", "cross"][: len(shapes)]
                ),
                legend=alt.Legend(
                    orient="top",
                    title=None,
                    labelLimit=0,
                    symbolFillColor="var(--muted)",
                    symbolStrokeColor="var(--muted)",
                    columnPadding=26,
                    columns=5 if is_wide(width) else 2,
                ),
            ),
            fill=_fill("colour"),
            stroke=_stroke("edge"),
            size=alt.Size("size:Q", scale=None),
            description=_TIP,
        ),
        base.mark_text(dy=-14, fontSize=12, fontWeight=600, fill="var(--accent)").encode(
            x=x, y=y, text=alt.Text("label:N")
        ),
        data=_data(points),
    ).properties(width=(width - 70) / columns - 24, height=260)
    return _facet(chart, titles, columns)


def calibration(width: int, points: Marks, axis: Axis, y_title: str) -> Any:
    """Dots with intervals over the diagonal on which they would lie; `x`, `y`, `low`, `high`, `colour`, `tip`.

    `axis` is that of both directions.
    """
    x = alt.X(
        "x:Q",
        title=axis.title,
        scale=alt.Scale(domain=axis.domain, nice=False),
        axis=_axis(axis.form, grid=True, ticks=6 if is_wide(width) else 4),
    )
    y = alt.Y(
        "y:Q",
        title=y_title,
        scale=alt.Scale(domain=axis.domain, nice=False),
        axis=_axis(axis.form, grid=True, ticks=5),
    )
    low, high = axis.domain
    middle = low + (high - low) * 0.6
    base = alt.Chart(_data(points))
    layers = [
        alt.Chart(_data([{"x": low, "y": low}, {"x": high, "y": high}]))
        .mark_line(stroke="var(--muted)", strokeDash=[4, 3], strokeWidth=1.2)
        .encode(x=x, y=y),
        alt.Chart(_data([{"x": middle, "y": middle, "text": "as expected"}]))
        .mark_text(align="left", dx=14, dy=16, fontSize=12, fill="var(--muted)")
        .encode(x=x, y=y, text=_TEXT),
        base.mark_rule(strokeWidth=2, strokeOpacity=0.55).encode(
            x=x, y=alt.Y("low:Q", title=y_title), y2=alt.Y2("high:Q"), stroke=_stroke("colour")
        ),
        base.mark_point(filled=True, size=70, opacity=1).encode(x=x, y=y, fill=_fill("colour"), description=_TIP),
    ]
    return alt.layer(*layers).properties(width=min(width - 70, 520), height=360 if is_wide(width) else 250)


def wrapped(names: Sequence[str], characters: int) -> dict[str, str]:
    """A label for each name, in at most three lines of so many characters; no two are the same."""
    labels: dict[str, str] = {}
    for name in names:
        lines = textwrap.wrap(short(name, 3 * characters - 2), characters) or [name]
        label = "\n".join(lines[:3])
        labels[name] = label if label not in labels.values() else f"{label} {len(labels) + 1}"
    return labels


def render(name: str, chart: Callable[[int], Any], alternative: str) -> list[str]:
    """The chart as two SVG elements, wide and narrow, both saying `alternative` to those who can't see them."""
    drawn = []
    for width, kind in ((WIDE, "wide"), (NARROW, "narrow")):
        # Checked once as a whole, and not each part as it is made.
        with debug_mode(False):
            specification = _themed(chart(width), is_narrow=width == NARROW)
        svg = vl_convert.vegalite_to_svg(specification, allowed_base_urls=[])
        drawn.append(_for_page(svg, f"{name}-{kind}", kind, alternative))
    return drawn


def _themed(chart: Any, *, is_narrow: bool) -> dict[str, Any]:
    size = 11 if is_narrow else 12
    specification: dict[str, Any] = chart.to_dict()
    specification["background"] = None
    specification["padding"] = {"left": 2, "right": 2, "top": 4, "bottom": 4}
    specification["config"] = {
        "font": "sans-serif",
        "view": {"stroke": None},
        # Words, lines and areas are no marks to point at: what they say, the marks beside them say.
        "text": {"fill": "var(--ink)", "aria": False},
        "rule": {"aria": False},
        "line": {"aria": False},
        "area": {"aria": False},
        "axis": {
            "aria": False,
            "domain": False,
            "ticks": False,
            "gridColor": "var(--rule)",
            "labelColor": "var(--muted)",
            "titleColor": "var(--muted)",
            "titleFontWeight": "normal",
            "titleFontSize": size,
            "labelFontSize": size,
            "labelPadding": 6,
        },
        "legend": {"aria": False, "labelColor": "var(--ink)"},
        "header": {"aria": False, "labelColor": "var(--ink)", "labelFontSize": size, "labelFontWeight": 600},
    }
    return specification


def _for_page(svg: str, name: str, kind: str, alternative: str) -> str:
    """The SVG with a text alternative, identifiers of its own, and no attribute that nothing uses."""
    opening, body = svg.split(">", 1)
    view_box = re.search(r'viewBox="([^"]+)"', opening)
    box = view_box.group(1) if view_box else f"0 0 {WIDE} {WIDE}"
    _, _, width, height = (float(number) for number in box.split())
    known: dict[str, str] = {}

    def tidy(match: re.Match[str]) -> str:
        tag = _NOISE.sub("", match.group(0)).replace(' aria-label="', ' data-tip="').replace(' opacity="1"', "")
        tag = _GEOMETRY.sub(lambda found: f' {found.group(1)}="{_ROUND.sub(_rounded, found.group(2))}"', tag)
        return _IDENTIFIER.sub(lambda found: known.setdefault(found.group(0), f"{name}-{len(known) + 1}"), tag)

    body = _EMPTY.sub("", _TAG.sub(tidy, body))
    return (
        f'<svg class="chart {kind}" role="img" aria-label="{escape(alternative)}" viewBox="{box}" '
        f'width="{width:.0f}" height="{height:.0f}" preserveAspectRatio="xMinYMin" xmlns="http://www.w3.org/2000/svg">{body}'
    )


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group(0)):.1f}".removesuffix(".0")


def _ends(names: Sequence[str]) -> alt.Axis:
    """An axis that names the first and the last only, both inside the chart."""
    axis = _axis(None, values=[names[0], names[-1]] if len(names) > 1 else list(names))
    axis.labelOverlap = False
    axis.labelAlign = {"condition": {"test": "datum.index === 0", "value": "left"}, "value": "right"}
    axis.labelOffset = {"condition": {"test": "datum.index === 0", "value": -6}, "value": 6}
    return axis


def _ticks(highest: float, about: int) -> list[float]:
    """Round numbers from 0 to `highest`, about so many steps."""
    if highest <= 0:
        return [0]
    rough = highest / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [round(place * step, 12) for place in range(int(highest / step + 1e-9) + 1)]


def ticks_around_zero(low: float, high: float, about: int) -> list[float]:
    """Round numbers from `low`, at most 0, to `high`, at least 0: 0 among them, about so many steps."""
    positive = _ticks(high - low, about)
    step = positive[1] if len(positive) > 1 else high - low
    return [round(place * step, 12) for place in range(math.ceil(low / step - 1e-9), int(high / step + 1e-9) + 1)]


def _facet(chart: Any, titles: Sequence[str], columns: int, limit: float = 0) -> Any:
    return chart.facet(
        facet=alt.Facet(
            "title:N",
            sort=list(titles),
            title=None,
            header=alt.Header(labelAnchor="start", labelLimit=limit, labelPadding=4),
        ),
        columns=columns,
        spacing=18,
    )


def _axis(
    style: str | None, *, grid: bool = False, ticks: int | None = None, values: Sequence[str] | None = None
) -> alt.Axis:
    if style is None and values is None:
        return alt.Axis(labels=False, grid=False, title=None)
    axis = alt.Axis(grid=grid, title=None if values is not None else alt.Undefined, labelAngle=0)
    if style is not None:
        axis.format = style
    if ticks is not None:
        axis.tickCount = ticks
    if values is not None:
        axis.values = list(values)
    return axis


def _spread(names: Sequence[str], at_most: int) -> list[str]:
    """At most so many of the names at equal steps, the last among them."""
    step = max(1, -(-len(names) // at_most))
    return list(names[(len(names) - 1) % step :: step])


def _fill(column: str) -> alt.Fill:
    """The values of a column are colours themselves."""
    return alt.Fill(field=column, type="nominal", scale=None, legend=None)


def _stroke(column: str) -> alt.Stroke:
    """The same for edges and lines."""
    return alt.Stroke(field=column, type="nominal", scale=None, legend=None)


def _data(marks: Marks) -> alt.InlineData:
    return alt.InlineData(values=list(marks))
