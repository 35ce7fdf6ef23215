"""The page: answers to figures, figures to sections, sections to one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files

import duckdb
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from olist_segments.errors import UserError
from olist_segments.report import checks, figures
from olist_segments.report.figure import Figure
from olist_segments.report.palette import assign, variables
from olist_segments.report.source import Answer, Row, ask
from olist_segments.report.verdict import Facts, sentences
from olist_segments.report.words import count, day, decimals, long_month, money, plain, plural, share, share1, share2

_QUERIES = (
    "ageing",
    "backtest",
    "came_back",
    "candidates",
    "cards",
    "cohorts",
    "comparison",
    "contract",
    "contract_costs",
    "delivery",
    "drift",
    "left_out",
    "months",
    "moves",
    "moves_by_reason",
    "outcomes",
    "quality",
    "quality_total",
    "returned",
    "segment_keys",
    "segments",
    "shares_by_month",
    "stability",
    "states",
    "states_by_segment",
    "traits",
    "version",
    "warnings",
)
_FEW_CUSTOMERS = 5000


@dataclass(frozen=True)
class Section:
    """A section of the page: its anchor, heading, lead, figures, remarks and cards."""

    anchor: str
    heading: str
    lead: str
    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    cards: Answer | None = None


@dataclass(frozen=True)
class Part:
    """A half of the page, for one kind of reader."""

    name: str
    sections: list[Section]


def write_page(connection: duckdb.DuckDBPyConnection, source: str) -> tuple[str, date]:
    """The page as HTML and the date it speaks of. `source`: the name of the file that `connection` reads.

    The same tables give the same bytes. UserError where the tables hold no segments yet.
    """
    answers = {name: ask(connection, name) for name in _QUERIES}
    if not answers["segments"].rows or not answers["version"].rows:
        raise UserError(f"'{source}' holds no segments yet: run dbt build to its end.")
    segments = answers["segments"].rows
    as_of: date = segments[0]["as_of_date"]
    keys = [row["segment_key"] for row in answers["segment_keys"].rows]
    colours = assign(keys, [row["segment_key"] for row in segments])
    style, script = Markup(_style()), Markup(_file("report.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        count=count, share=share, share1=share1, share2=share2, money=money, decimals=decimals, day=day, drawing=Markup
    )
    page = environment.from_string(_file("report.html.j2")).render(
        as_of=as_of,
        banners=_banners(answers),
        few=figures.FEW,
        colour_class={key: colour[len("var(--") : -1] for key, colour in colours.items()},
        parts=_parts(answers, colours, as_of),
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        script=script,
        sentences=sentences(_facts(answers, as_of)),
        source=source,
        style=style,
        table=_table,
        version=answers["version"].rows[0],
    )
    return page, as_of


def _facts(answers: dict[str, Answer], as_of: date) -> Facts:
    scores = [row for row in answers["traits"].rows if row["feature"] == "avg_review_score"]
    judged = [
        row
        for row in answers["comparison"].rows
        if row["segmentation"] == "clusters" and row["comparison_status"] in ("better than rfm", "no better than rfm")
    ]
    return Facts(
        as_of_date=as_of,
        segments=answers["segments"].rows,
        scores={row["segment_key"]: row["segment_mean"] for row in scores if row["segment_mean"] is not None},
        customer_score=scores[0]["customer_mean"] if scores else None,
        came_back_share=answers["came_back"].rows[0]["came_back_share"],
        judged_months=len(judged),
        better_months=sum(row["comparison_status"] == "better than rfm" for row in judged),
    )


def _banners(answers: dict[str, Answer]) -> list[str]:
    """What a reader must know before anything else."""
    found = []
    chosen = next((row for row in answers["candidates"].rows if row["is_chosen"]), None)
    if chosen is not None and not chosen["is_eligible"]:
        found.append(
            "No candidate met every bound of the rule that picks the segmentation, so read these segments as a "
            f"description, not as groups that are there: {chosen['reason']}."
        )
    customers = sum(row["customer_count"] for row in answers["segments"].rows)
    if customers < _FEW_CUSTOMERS:
        found.append(f"These are {plural(customers, 'customer')}: small shares rest on a handful of people.")
    terms = _terms(answers["contract"])
    if terms is not None and terms["is_broken_today"]:
        found.append(f"The maintenance contract asks for a refit. {terms['explanation']}")
    found.extend(row["sentence"] for row in answers["warnings"].rows)
    return found


def _terms(contract: Answer) -> Row | None:
    return next((row for row in contract.rows if row["is_the_contract"]), None)


def _parts(answers: dict[str, Answer], colours: dict[str, str], as_of: date) -> list[Part]:
    """The sections in their order; a figure that the tables can't fill is a remark instead."""
    terms = _terms(answers["contract"])
    totals, left_out = answers["quality_total"].rows[0], answers["left_out"].rows[0]
    ageing = checks.ageing(
        answers["ageing"], terms["threshold"] if terms else None, terms["noise_floor"] if terms else None
    )
    outcomes = answers["outcomes"]
    everybody = [
        Section(
            "segments",
            "Who the customers are",
            "Every customer belongs to exactly one segment, found by what they did: when they last bought, how often, "
            "for how much, how they rated it and whether it came on time.",
            [figures.sizes(answers["segments"], colours)],
        ),
        Section(
            "traits",
            "What sets each segment apart",
            "Segments differ in a few habits. Read each row as a portrait.",
            [figures.traits(answers["traits"])],
        ),
        Section(
            "playbook",
            "What to do with each segment",
            "One card a segment: whom it reaches, what is at stake, the first thing to try, the figure that says "
            "whether it worked, and when to stop. Hold back a random tenth of a segment before any campaign: without "
            "it, what they would have bought anyway looks like success.",
            cards=answers["cards"],
        ),
        Section(
            "moves",
            "Who moved where, and why",
            "Segments are counted anew every month. Some customers move because they did something, others only "
            "because time passed; the two call for different answers.",
            *_shown(
                [
                    figures.shares_by_month(answers["shares_by_month"], colours),
                    figures.reasons(answers["moves_by_reason"]) if answers["moves_by_reason"].rows else None,
                    figures.moves(answers["moves"]) if answers["moves"].rows else None,
                ],
                ["", "No customer has moved from one segment to another yet.", ""],
            ),
        ),
        Section(
            "next",
            "What the segments did next",
            "A segmentation earns its keep when it says something about tomorrow. Beside it stands what marketers use "
            "without any model: fixed rules on recency, frequency and spend.",
            *_shown(
                [
                    figures.outcomes(outcomes, colours) if outcomes.rows else None,
                    figures.comparison(answers["comparison"]),
                ],
                [
                    "History is too short: no date has been followed long enough yet.",
                    "No month can be judged yet: expectations need outcomes that were known before.",
                ],
            ),
        ),
        Section(
            "delivery",
            "Satisfaction and delivery",
            "What makes customers unhappy here is above all a parcel that comes late or not at all."
            if _late_is_worse(answers["delivery"])
            else "How the stars of an order go with the day on which it came.",
            *_shown(
                [figures.delivery(answers["delivery"]) if answers["delivery"].rows else None], ["There is no purchase."]
            ),
        ),
        Section(
            "map",
            "Where they live",
            "The 27 states of Brazil.",
            [figures.states(answers["states"]), figures.states_by_segment(answers["states_by_segment"])]
            if any(row["customer_count"] for row in answers["states"].rows)
            else [],
        ),
        Section(
            "cohorts",
            f"When they came, and the {share(answers['came_back'].rows[0]['came_back_share'])} who came back",
            f"Of {count(answers['came_back'].rows[0]['customer_count'])} customers "
            f"{share(answers['came_back'].rows[0]['came_back_share'])} have bought more than once; plans "
            "that count on loyalty begin there.",
            *_shown(
                [figures.returned(answers["returned"], as_of), figures.cohorts(answers["cohorts"], as_of)],
                ["History is too short for cohorts.", ""],
            ),
        ),
    ]
    specialists = [
        Section(
            "choice",
            "How the segmentation was chosen",
            "Several algorithms, feature sets and numbers of segments competed under one written rule: stable in "
            "resamples, reproducible, no tiny segments, and tighter than one cloud without structure. Never the elbow.",
            [checks.candidates(answers["candidates"])],
        ),
        Section(
            "upkeep",
            "How firm it is, how it ages, what drifts",
            "A segmentation is frozen until it is fitted again. How long that is safe was simulated on its own past.",
            *_shown(
                [
                    checks.stability(answers["stability"], colours),
                    ageing,
                    checks.contract(answers["contract"], terms) if terms else None,
                    checks.contract_costs(answers["contract_costs"]),
                    checks.backtest(answers["backtest"], as_of),
                    checks.drift(answers["drift"]),
                ],
                [
                    "The stability of the segments was not measured: there was too little to cluster.",
                    "History is too short to tell how the segmentation ages: fewer than five origins.",
                    "There is no maintenance contract in force.",
                    "",
                    "No promise of the first half of history could be judged by the second.",
                    "No drift was measured.",
                ],
            ),
        ),
        Section(
            "quality",
            "Data quality, and what was left out",
            _left_out(left_out),
            [
                checks.months(answers["months"], left_out, as_of),
                *([checks.quality(answers["quality"], totals, as_of)] if answers["quality"].rows else []),
            ],
            []
            if answers["quality"].rows
            else [f"None of {plural(totals['rule_count'], 'rule')} about the raw files is broken."],
        ),
    ]
    return [Part("For everybody", everybody), Part("For those who want to check", specialists)]


def _shown(found: list[Figure | None], otherwise: list[str]) -> tuple[list[Figure], list[str]]:
    """The figures there are, and a remark for each that is missing."""
    shown = [figure for figure in found if figure is not None]
    remarks = [words for figure, words in zip(found, otherwise, strict=True) if figure is None and words]
    return shown, remarks


def _late_is_worse(delivery: Answer) -> bool:
    """True when every late band scores lower than every early one."""
    early = [row["avg_review_score"] for row in delivery.rows if row["delivery_band"].endswith("early")]
    late = [row["avg_review_score"] for row in delivery.rows if row["delivery_band"].endswith("late")]
    known = [score for score in early + late if score is not None]
    return bool(early and late) and len(known) == len(early) + len(late) and max(late) < min(early)


def _left_out(row: Row) -> str:
    words = (
        f"Of {plural(row['order_count'], 'order')} {count(row['invalid_order_count'])} are no purchases: canceled, "
        "unavailable or without items."
    )
    if row["first_month"] is None:
        return words
    later = row["later_purchase_count"]
    return (
        f"{words} History runs from {long_month(row['first_month'])} to {long_month(row['last_month'])}; "
        f"{plural(row['outside_purchase_count'], 'purchase')} lie outside it, {count(later)} of them after its end, "
        "which count nowhere."
    )


def _table(figure: Figure) -> tuple[list[tuple[str, str]], list[list[tuple[str, str]]]]:
    """Headings and rows of a figure's table: each cell with its text and its class."""
    headings = [(column.heading, "number" if column.is_number else "") for column in figure.columns]
    rows = [
        [
            (
                plain(None) if row[column.name] is None else column.style(row[column.name]),
                "number" if column.is_number else "date" if isinstance(row[column.name], date) else "",
            )
            for column in figure.columns
        ]
        for row in figure.answer.rows
    ]
    return headings, rows


def _style() -> str:
    """The style sheet with the colours of both schemes; print is always light."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in variables(is_dark).items()) for is_dark in (False, True)
    )
    marks = "".join(f".{name}{{--colour:var(--{name})}}" for name in variables(False) if name.startswith("segment-"))
    return (
        f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f".mark{{--colour:var(--mark)}}{marks}\n{_file('report.css')}"
    )


def _file(name: str) -> str:
    return files("olist_segments.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
