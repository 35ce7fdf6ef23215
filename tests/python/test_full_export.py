"""Files with as many rows as the full export: its known figures inform, and forbid nothing."""

from __future__ import annotations

import pytest
from dbt_here import parsed_project
from faults import Project
from nights import SETTINGS
from olist_segments.cli import main
from test_odd_marketplaces import build, marketplace, spread

ORDERS = 260
ROWS = {
    **dict.fromkeys(("orders", "customers", "order_items", "order_payments", "order_reviews"), ORDERS),
    "products": 1,
    "sellers": 1,
    "geolocation": 2,
}


@pytest.fixture
def taken_for_the_export(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project, but that the full export has as many rows as the marketplace below."""
    counts = {f"olist_{name}_dataset": count for name, count in ROWS.items()} | {"product_category_name_translation": 1}
    body = f"{{% macro full_export_row_counts() %}}{{% do return({counts}) %}}{{% endmacro %}}"
    macros = parsed_project(SETTINGS).macros
    monkeypatch.setattr(macros["macro.olist_segments.full_export_row_counts"], "macro_sql", body)
    return project


@pytest.mark.slow
def test_each_known_figure_that_differs_is_told_and_the_build_is_published(
    taken_for_the_export: Project,
) -> None:
    files = marketplace(ORDERS, lambda i: f"p{i}", spread, lambda i: f"{20 + i % 90}.00")
    run = build(taken_for_the_export, files, is_the_full_export=True)

    told = [warning for warning in run.warnings if "full Kaggle export" in str(warning)]
    differing = [warning.split("not all its figures: ")[1] for warning in told]
    assert "orders, expected 99441, found 260." in differing
    assert "rows of stg_olist__orders under delivered_before_handover, expected 23, found 0." in differing
    assert "most items of an order, expected 21, found 1." in differing
    assert not any(figure.startswith("orders without a person,") for figure in differing), "a figure that is right"
    assert len(differing) > 50
    assert len(set(differing)) == len(differing)
    assert main(["publish"]) == 0
