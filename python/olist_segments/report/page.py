"""The page: answers to figures, figures to sections, sections to one HTML file that needs nothing but itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from typing import Any

import duckdb
import yaml
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from olist_segments.errors import UserError
from olist_segments.forecast_words import PAST_RATE
from olist_segments.report import campaigns, changes, checks, figures, forecasts
from olist_segments.report.figure import Column, Figure, Finding, Tables, make_figure, shop_words
from olist_segments.report.palette import assign, variables
from olist_segments.report.source import Answer, Row, ask
from olist_segments.report.verdict import Facts, sentences
from olist_segments.report.words import count, day, decimals, listed, long_month, plural, share, share1, share2
from olist_segments.serving.tables import present_tables
from olist_segments.shop import Shop, shop_of
from olist_segments.structures import SENTENCES

_FINDINGS: dict[str, Callable[[Tables], Finding | None]] = {
    "changed": changes.changed,
    "kinds-by-stage": figures.kinds_by_stage,
    "sizes": figures.sizes,
    "traits": figures.traits,
    "shares": figures.shares_by_month,
    "reasons": figures.reasons,
    "moves": figures.moves,
    "stages-by-month": figures.stages_by_month,
    "stage-moves": figures.stage_moves,
    "stage-returns": figures.stage_returns,
    "outcomes": figures.outcomes,
    "comparison": figures.comparison,
    "forecast-groups": forecasts.forecast_groups,
    "forecast-drift": forecasts.forecast_drift,
    "forecast-calibration": forecasts.forecast_calibration,
    "forecast-candidates": forecasts.forecast_candidates,
    "campaign-results": campaigns.campaign_results,
    "campaign-groups": campaigns.campaign_groups,
    "campaign-balance": campaigns.campaign_balance,
    "campaign-policies": campaigns.campaign_policies,
    "delivery": figures.delivery,
    "states": figures.states,
    "states-by-segment": figures.states_by_segment,
    "regions": figures.regions,
    "returned": figures.returned,
    "cohorts": figures.cohorts,
    "candidates": checks.candidates,
    "stability": checks.stability,
    "ageing": checks.ageing,
    "contract": checks.contract,
    "contract_costs": checks.contract_costs,
    "backtest": checks.backtest,
    "drift": checks.drift,
    "months": checks.months,
    "quality": checks.quality,
}
# What no figure asks for: banners, cards, the sentences at the top.
_OTHER_QUERIES = (
    *("came_back", "cards", "comparison_overall", "left_out", "quality_total", "segment_keys", "shop", "stages"),
    *("version", "warnings"),
)
_FEW_CUSTOMERS = 5000

BEFORE = "before"
"""What a section needs that compares with the publish before: the name of the attached database, not of a table."""


@dataclass(frozen=True)
class Section:
    """A section of the page: its anchor, heading, lead, figures, remarks, and cards with the stages of each kind.

    `statements` are in large letters above all else of it, `notes` are paragraphs below the lead.
    """

    anchor: str
    heading: str
    lead: str
    figures: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    cards: Answer | None = None
    stages: Answer | None = None
    statements: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """A half of the page, for one kind of reader."""

    name: str
    sections: list[Section]


def write_page(connection: duckdb.DuckDBPyConnection, source: str, *, compares: bool = False) -> tuple[str, date]:
    """The page as HTML and the date it speaks of. `source`: the name of the file that `connection` reads.

    With `compares`, `connection` has the tables of the publish before attached as `before`, and the page says what
    changed, unless these are of a release that lacks what is compared. The same tables give the same bytes. UserError
    where the tables hold no segments yet.
    """
    present = present_tables(connection)
    if "campaigns" in present and not connection.sql("select 1 from campaigns limit 1").fetchall():
        # Nothing is said of campaigns where there are none.
        present = present - {"campaigns"}
    # Tables of an earlier release lack it: they are Olist's.
    shop = shop_of(ask(connection, "shop").rows) if "shop" in present else Shop()
    before = _compared(connection, present) if compares else {}
    layout = _told(load_layout(), present | ({BEFORE} if before else set()), shop)
    answers = {
        name: before.get(name) or ask(connection, name)
        for name in queries(layout)
        if name != "shop" and (name in before or name not in changes.QUERIES)
    }
    if not answers["segments"].rows or not answers["version"].rows:
        raise UserError(f"'{source}' holds no segments yet: run dbt build to its end.")
    segments = answers["segments"].rows
    as_of: date = segments[0]["as_of_date"]
    keys = [row["segment_key"] for row in answers["segment_keys"].rows]
    colours = assign(keys, [row["segment_key"] for row in segments])
    tables = Tables(answers, colours, as_of, shop)
    style, script = Markup(_style(as_of)), Markup(_file("report.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(
        count=count,
        share=share,
        share1=share1,
        share2=share2,
        money=shop.money,
        decimals=decimals,
        day=day,
        drawing=Markup,
        can_show=lambda row: figures.can_show(row, shop),
    )
    page = environment.from_string(_file("report.html.j2")).render(
        as_of=as_of,
        banners=_banners(tables),
        few=figures.FEW,
        last_time=campaigns.last_time(tables),
        colour_class={key: colour[len("var(--") : -1] for key, colour in colours.items()},
        parts=_parts(layout, tables),
        policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'",
        script=script,
        sentences=sentences(_facts(tables)),
        shop=shop,
        shop_line=_shop_line(shop),
        source=source,
        style=style,
        table=_table,
        version=answers["version"].rows[0],
    )
    return page, as_of


def _compared(connection: duckdb.DuckDBPyConnection, present: set[str]) -> dict[str, Answer]:
    """The answers that need the publish before; none where a release made it that lacks what they ask for."""
    try:
        return {
            name: ask(connection, name)
            for name in changes.QUERIES
            if name != "changed_campaigns" or "campaigns" in present
        }
    except (duckdb.CatalogException, duckdb.BinderException):
        return {}


def _facts(tables: Tables) -> Facts:
    scores = [row for row in tables.rows("traits") if row["feature"] == "avg_review_score"]
    return Facts(
        as_of_date=tables.as_of,
        segments=tables.rows("segments"),
        scores={row["segment_key"]: row["segment_mean"] for row in scores if row["segment_mean"] is not None},
        customer_score=scores[0]["customer_mean"] if scores else None,
        came_back_share=tables.rows("came_back")[0]["came_back_share"],
        comparison={row["segmentation"]: row for row in tables.rows("comparison_overall")},
        shop=tables.shop,
    )


def _banners(tables: Tables) -> list[str]:
    """What a reader must know before anything else."""
    found = []
    terms = tables.terms
    chosen = next((row for row in tables.rows("candidates") if row["is_chosen"]), None)
    if chosen is not None and not chosen["is_eligible"]:
        found.append(
            "No candidate met every bound of the rule that chooses the segmentation. Read these segments as a "
            f"description, not as real groups: {chosen['reason']}."
        )
    customers = sum(row["customer_count"] for row in tables.rows("segments"))
    if customers < _FEW_CUSTOMERS:
        found.append(f"These are {plural(customers, 'customer')}: small shares rest on very few of them.")
    if terms is not None and terms["is_broken_today"]:
        found.append(f"The maintenance contract asks for a refit. {terms['explanation']}")
    forecast = forecasts.facts(tables)
    if forecast is not None and forecast["is_abstaining"]:
        found.append(f"The forecasts abstain: no model could be trusted, so {PAST_RATE}.")
    found.extend(row["sentence"] for row in tables.rows("warnings"))
    return found


def load_layout() -> dict[str, Any]:
    """The parts, sections and figures of the page, from templates/report.yml."""
    layout: dict[str, Any] = yaml.safe_load(_file("report.yml"))
    return layout


def _told(layout: dict[str, Any], present: set[str], shop: Shop) -> dict[str, Any]:
    """The layout without what can't be told: tables of an earlier release lack some, a shop has not everything."""

    def figures_of(section: dict[str, Any]) -> list[str]:
        return [name for name in section["figures"] if shop.has(*layout["figures"][name].get("shop", ()))]

    def is_told(section: dict[str, Any]) -> bool:
        return set(section.get("needs", ())) <= present and shop.has(*section.get("shop", ()))

    parts = [
        part
        | {
            "sections": [
                section | ({"figures": figures_of(section)} if "figures" in section else {})
                for section in part["sections"]
                if is_told(section)
            ]
        }
        for part in layout["parts"]
    ]
    return layout | {"parts": parts}


def queries(layout: dict[str, Any]) -> list[str]:
    """The names of all queries of the sections and of what stands around them, sorted."""
    asked = set(_OTHER_QUERIES)
    for section in (section for part in layout["parts"] for section in part["sections"]):
        asked.update(section.get("queries", ()))
        asked.update(layout["figures"][name]["query"] for name in section.get("figures", ()))
    return sorted(asked)


def _parts(layout: dict[str, Any], tables: Tables) -> list[Part]:
    """The sections in their order; a figure that the tables can't fill is a remark instead."""
    words = _words(tables)
    return [
        Part(part["name"], [_section(layout, section, tables, words) for section in part["sections"]])
        for part in layout["parts"]
    ]


def _section(layout: dict[str, Any], section: dict[str, Any], tables: Tables, words: dict[str, str]) -> Section:
    shown: list[Figure] = []
    remarks: list[str] = []
    for name in section.get("figures", ()):
        spec = layout["figures"][name]
        finding = _FINDINGS[name](tables)
        if finding is not None:
            shown.append(make_figure(name, spec, tables.answers[spec["query"]], finding, tables.shop))
        elif "missing" in spec:
            remarks.append(spec["missing"].format(**words))
    return Section(
        section["anchor"],
        section["heading"].format(**words),
        section["lead"].format(**words),
        shown,
        remarks,
        tables.answers["cards"] if section.get("cards") else None,
        tables.answers["kinds_by_stage"] if section.get("cards") else None,
        *_paragraphs(section, tables),
    )


def _paragraphs(section: dict[str, Any], tables: Tables) -> tuple[list[str], list[str]]:
    """The statements and the notes of a section: those about changes, forecasts and campaigns have some."""
    if section["anchor"] == "changes":
        return [], changes.notes(tables)
    if section["anchor"] == "campaigns":
        return [], campaigns.notes(tables)
    if section["anchor"] != "forecast":
        return [], []
    fact = forecasts.facts(tables)
    return forecasts.statements(fact), forecasts.notes(tables, fact)


def _words(tables: Tables) -> dict[str, str]:
    """What replaces the `{…}` in headings, leads and remarks."""
    came_back = tables.rows("came_back")[0]
    forecast = forecasts.facts(tables)
    return shop_words(tables.shop) | {
        "changes_lead": changes.lead(tables) if "changed" in tables.answers else "",
        "came_back_share": share(came_back["came_back_share"]),
        "came_back_lead": _came_back(came_back),
        "clock_words": ", or because time passes" if tables.rows("version")[0]["has_clock"] else "",
        "forecast_heading": forecasts.heading(forecast),
        "forecast_lead": forecasts.lead(forecast),
        "holdout_share": share(tables.rows("cards")[0]["holdout_share"]),
        "kinds_and_stages_lead": _kinds_and_stages(tables),
        "delivery_lead": "Customers are least satisfied when a parcel comes late or not at all."
        if "delivery" in tables.answers and _late_is_worse(tables.rows("delivery"))
        else "The review score of orders by the day on which they came.",
        "event_words": _events(tables.shop),
        "map_lead": _map(tables),
        "left_out_lead": _left_out(tables.rows("left_out")[0]),
        "rule_count": plural(tables.rows("quality_total")[0]["rule_count"], "rule"),
    }


def _kinds_and_stages(tables: Tables) -> str:
    """What a kind is, what a stage is, and where the boundaries of the stages come from."""
    stages = tables.rows("stages")
    kind = f"Every customer is of one kind and at one stage. The kind says {_what_kinds_say(tables)}"
    words = f"{kind}."
    if not tables.rows("version")[0]["has_clock"]:
        words = f"{kind}; only they or the shop can change it, never the calendar."
    structure = tables.rows("version")[0]["structure"]
    if structure in SENTENCES:
        words += f" {SENTENCES[structure]}"
    spans: dict[str, list[str]] = {figures.boundaries(row): [] for row in stages}
    for row in stages:
        spans[figures.boundaries(row)].append(row["stage_name"].lower())
    told = listed([f"{' or '.join(names)} ({days})" for days, names in spans.items()])
    words += f" The stage says how long ago they last bought: {told}."
    ends = {row["until_days"]: row["return_share"] for row in stages if row["return_share"] is not None}
    if ends and stages[0]["boundary_source"] == "return curve":
        parts = [f"{share(part)} within {days} days" for days, part in ends.items()]
        words += f" These days are those of the customers who came back within a year: {listed(parts)}."
    return words


_KINDS_SAY = {
    "purchase_day_count": "how often they buy",
    "order_count": "how often they buy",
    "total_spend": "for how much",
    "recency_days": "how long ago they last bought",
    "avg_review_score": "how happy they are",
}


def _what_kinds_say(tables: Tables) -> str:
    """What the features of the model in force tell of a customer."""
    features = tables.rows("version")[0]["features"] or []
    known = [name for name in features if name != "avg_review_score" or tables.shop.has_reviews]
    told = list(dict.fromkeys(words for feature, words in _KINDS_SAY.items() if feature in known))
    if not told:
        return "what they have in common"
    return f"{', '.join(told[:-1])}, and {told[-1]}" if len(told) > 2 else listed(told)


def _events(shop: Shop) -> str:
    """What can change a customer's kind."""
    events = ["a purchase"] + ["a review"] * shop.has_reviews + ["a delivery"] * shop.has_deliveries
    return listed(events, "or")


def _map(tables: Tables) -> str:
    if tables.shop.has_states_of_brazil or "regions" not in tables.answers:
        return "The 27 states of Brazil."
    known = sum(row["region"] != figures.NO_REGION for row in tables.rows("regions"))
    return f"{plural(known, 'region')}, as the shop’s files name them."


def _came_back(row: Row) -> str:
    """How many came back, and how many only look as if they did."""
    words = (
        f"Of {count(row['customer_count'])} customers, {share(row['came_back_share'])} have come back: they bought on "
        "another day too."
    )
    several = share(row["several_orders_share"])
    # A few more are none in the figures as they are written.
    if row["several_orders_count"] <= row["came_back_count"] or several == share(row["came_back_share"]):
        return words
    return (
        f"{words} {several} have placed more than one order, but some placed all of them on "
        "one day, which is one visit. Keep that in mind when you plan for loyalty."
    )


def _shop_line(shop: Shop) -> str:
    """Who read the files, and what amounts and days are, or that nobody told."""
    money = f"amounts in {shop.currency}" if shop.currency else "amounts without a currency, which nobody told"
    days = f"days of {shop.time_zone}" if shop.time_zone else "days as in the files, whose time zone nobody told"
    return f"Data of the connector {shop.connector} · {money} · {days}"


def _late_is_worse(bands: list[Row]) -> bool:
    """True when every late band scores lower than every early one."""
    early = [row["avg_review_score"] for row in bands if row["delivery_band"].endswith("early")]
    late = [row["avg_review_score"] for row in bands if row["delivery_band"].endswith("late")]
    known = [score for score in early + late if score is not None]
    return bool(early and late) and len(known) == len(early) + len(late) and max(late) < min(early)


def _left_out(row: Row) -> str:
    orders, invalid, outside = row["order_count"], row["invalid_order_count"], row["outside_purchase_count"]
    reasons = (row["invalid_statuses"] or []) + ["without items"] * (row["empty_order_count"] > 0)
    words = (
        f"Of {plural(orders, 'order')}, {count(invalid)} {'is not a purchase' if invalid == 1 else 'are not purchases'}"
    )
    words += f": {listed(reasons, 'or')}." if reasons else "."
    if not invalid:
        words = f"{plural(orders, 'order')}, and every one is a purchase."
    if row["first_month"] is None:
        return words
    words += f" History runs from {long_month(row['first_month'])} to {long_month(row['last_month'])}"
    if not outside:
        return f"{words}; no purchase lies outside it."
    later = row["later_purchase_count"]
    return (
        f"{words}; {plural(outside, 'purchase')} {'lies' if outside == 1 else 'lie'} outside it. "
        f"{count(later).capitalize()} of these {'was' if later == 1 else 'were'} made after its end and "
        f"{'is' if later == 1 else 'are'} not used."
    )


def _table(figure: Figure) -> tuple[list[tuple[str, str]], list[list[tuple[str, str]]]]:
    """Headings and rows of a figure's table: each cell with its text and its class."""
    headings = [(column.heading, "number" if column.is_number else "") for column in figure.columns]
    rows = [
        [
            (
                column.write(row[column.name]),
                _cell_class(column, row[column.name]),
            )
            for column in figure.columns
        ]
        for row in figure.answer.rows
    ]
    return headings, rows


def _cell_class(column: Column, value: object) -> str:
    if column.is_number:
        return "number"
    return "name" if column.style == "forecast_model" else "date" if isinstance(value, date) else ""


def _style(as_of: date) -> str:
    """The style sheet with the colours of both schemes; print is always light, with the date on every sheet."""
    light, dark = (
        "".join(f"--{name}:{colour};" for name, colour in variables(is_dark).items()) for is_dark in (False, True)
    )
    marks = "".join(f".{name}{{--colour:var(--{name})}}" for name in variables(False) if name.startswith("segment-"))
    return (
        f":root{{{light}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f".mark{{--colour:var(--mark)}}{marks}\n{_file('report.css')}"
        # A browser prints no header of its own where the page has one.
        f'\n@page{{@top-left{{content:"Customer segments, {day(as_of)}";font:9pt sans-serif;color:#566170}}}}\n'
    )


def _file(name: str) -> str:
    return files("olist_segments.report").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"
