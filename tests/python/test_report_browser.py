"""The report in a real browser: no error, no request, legible on every screen, on paper and without JavaScript."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from olist_segments.report import command
from playwright.sync_api import Browser, Page, sync_playwright
from reports import Tables
from warehouses import Warehouse

CHROMIUM = os.environ.get("OLIST_CHROMIUM") or shutil.which("chromium") or ""
# Where a browser is required its absence fails the tests.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CHROMIUM and os.environ.get("OLIST_BROWSER_REQUIRED") != "1",
        reason="no Chromium: install it (apt-get install chromium) or name it in OLIST_CHROMIUM",
    ),
]

PHONE = {"width": 360, "height": 780}
DESK = {"width": 1280, "height": 900}
LONG = "Averyveryveryveryveryveryveryveryveryveryverylongnamewithoutanyspacethatnobodywantsbutsomebodyhas"
VISIBLE = "[...document.querySelectorAll('svg.chart')].filter(chart => chart.checkVisibility())"
# Contrast of each text with what lies behind it, where that is a plain colour; those of large letters may be lower.
CONTRASTS = """() => {
  const parse = (colour) => (colour.match(/[\\d.]+/g) || []).map(Number);
  const luminance = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((c) => {
      c /= 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const isInChart = element.closest('svg');
    if (!own || ['SCRIPT', 'STYLE', 'OPTION'].includes(element.tagName) || !element.checkVisibility()) continue;
    if (isInChart && !['var(--ink)', 'var(--muted)', 'var(--accent)'].includes(element.getAttribute('fill'))) continue;
    const style = getComputedStyle(element);
    const ink = luminance(parse(isInChart ? style.fill : style.color)) + 0.05;
    const paper = luminance(ground(element)) + 0.05;
    found.push([Math.max(ink, paper) / Math.min(ink, paper), element.tagName, element.textContent.trim().slice(0, 40)]);
  }
  return found;
}"""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="session")
def file(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    tables = Tables(built, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_SERVING_DIR", str(tables.serving))
        command.report(folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="session")
def long_names(built: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of segments with names that break no line."""
    folder = tmp_path_factory.mktemp("long")
    tables = Tables(built, folder)
    for table in (
        *("profiles", "profiles_monthly", "lifecycle_profiles", "traits", "geography", "outcomes", "stability"),
    ):
        tables.change(f"update segment_{table} set segment_name = '{LONG}' || segment_key")
    tables.change(f"update segment_lifecycle_profiles set recommended_action = '{LONG}'")
    tables.change(f"update lifecycle_stages set stage_name = '{LONG}' || stage_key")
    tables.change(f"update segment_profiles set meaning = '{LONG}', kpi = '{LONG}', recommended_action = '{LONG}'")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OLIST_SERVING_DIR", str(tables.serving))
        command.report(folder / "report.html")
    return folder / "report.html"


class Visit:
    """A page that is open, with what it complained of and asked for."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(file.as_uri())


def unfold_all(page: Page) -> None:
    """All at once: a mouse that scrolls to each takes ten seconds."""
    page.evaluate("document.querySelectorAll('summary').forEach(summary => summary.click())")
    assert page.locator("details:not([open])").count() == 0 < page.locator("details[open]").count()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_page_draws_its_charts_without_a_complaint_or_a_request(
    browser: Browser, file: Path, size: dict[str, int], scheme: str
) -> None:
    page = browser.new_page(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(page, file)
    if scheme == "light":
        for summary in page.locator("summary").all():
            summary.click()
    else:
        unfold_all(page)
    charts = page.evaluate(
        f"{VISIBLE}.map(chart => [chart.querySelectorAll('[data-tip]').length, chart.getBoundingClientRect().width, "
        "chart.classList.contains('narrow')])"
    )
    drawn = page.locator("figure:has(.drawings)").count()
    assert len(charts) == drawn >= 13
    for marks, width, is_narrow in charts:
        assert marks > 0
        assert 200 < width <= size["width"]
        assert is_narrow is (size is PHONE)
    # Paint that a variable gives, not the black of one that is unknown.
    fills = page.evaluate(
        f"{VISIBLE}.flatMap(chart => [...chart.querySelectorAll('[data-tip]')])"
        ".map(mark => getComputedStyle(mark).fill)"
    )
    assert "rgb(0, 0, 0)" not in fills
    assert visit.complaints == []
    assert visit.requests == [file.as_uri()]
    page.close()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_page_never_scrolls_sideways(browser: Browser, file: Path, long_names: Path, size: dict[str, int]) -> None:
    for shown in (file, long_names):
        page = browser.new_page(viewport=size)  # type: ignore[arg-type]
        Visit(page, shown)
        unfold_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
        page.close()


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_no_word_of_a_chart_is_cut_off(browser: Browser, file: Path, size: dict[str, int]) -> None:
    page = browser.new_page(viewport=size)  # type: ignore[arg-type]
    Visit(page, file)
    cut = page.evaluate(
        f"""{VISIBLE}.flatMap(chart => {{
            const frame = chart.closest('.drawings').getBoundingClientRect();
            return [...chart.querySelectorAll('text')]
                .filter(text => text.textContent.trim())
                .map(text => [text.getBoundingClientRect(), text.textContent])
                .filter(([box]) => box.left < frame.left - 1 || box.right > frame.right + 1)
                .map(([, words]) => chart.closest('figure').id + ': ' + words);
        }})"""
    )
    assert cut == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast(browser: Browser, file: Path, scheme: str) -> None:
    page = browser.new_page(viewport=DESK, color_scheme=scheme)  # type: ignore[arg-type]
    Visit(page, file)
    unfold_all(page)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 500
    assert [found for found in contrasts if found[0] < 4.5] == []
    backgrounds = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (backgrounds == "rgb(255, 255, 255)") is (scheme == "light")
    page.close()


def test_page_is_whole_without_javascript(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESK)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(file.as_uri())
    assert page.locator("svg.chart.wide:visible").count() == page.locator("figure:has(.drawings)").count()
    assert page.locator("select").count() == 0
    page.locator("#figure-sizes summary").first.click()
    assert page.locator("#figure-sizes table").is_visible()
    context.close()


def test_months_can_be_chosen_and_marks_explain_themselves(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
    visit = Visit(page, file)
    figure = page.locator("#figure-moves")
    chooser = figure.locator("select")
    months = chooser.locator("option").all_inner_texts()
    assert len(months) > 3
    shown = figure.locator("svg.chart:visible").get_attribute("aria-label")
    chooser.select_option(months[2])
    other = figure.locator("svg.chart:visible").get_attribute("aria-label")
    assert other != shown
    assert figure.locator("svg.chart:visible").count() == 1

    mark = page.locator("#figure-sizes svg.wide [data-tip]").first
    mark.hover()
    assert page.locator("#tip").inner_text() == mark.get_attribute("data-tip")
    page.keyboard.press("Escape")
    assert page.locator("#tip").is_hidden()
    assert visit.complaints == []
    page.close()


def test_a_figure_saves_the_rows_of_its_table(browser: Browser, file: Path, built: Warehouse, tmp_path: Path) -> None:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
    visit = Visit(page, file)
    figures = page.locator("figure")
    assert figures.get_by_role("button", name="Save as CSV").count() == figures.count() > 15
    # A name that a spreadsheet would run, and one that would end its cell.
    page.evaluate("document.querySelectorAll('#figure-sizes td:first-child')[0].textContent = '=1+1'")
    page.evaluate("""document.querySelectorAll('#figure-sizes td:first-child')[1].textContent = 'a "b", c'""")
    for name in ("sizes", "quality", "candidates"):
        figure = page.locator(f"#figure-{name}")
        with page.expect_download() as download:
            figure.get_by_role("button", name="Save as CSV").click()
        assert download.value.suggested_filename == f"{name}.csv"
        download.value.save_as(tmp_path / f"{name}.csv")
        with (tmp_path / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream, strict=True))
        shown = page.evaluate(
            "name => [...document.querySelectorAll(`#figure-${name} tr`)]"
            ".map(row => [...row.cells].map(cell => cell.textContent.trim()))",
            name,
        )
        assert rows[0] == shown[0]
        assert len(rows) == len(shown) > 2
        assert [len(row) for row in rows] == [len(row) for row in shown]
        if name == "sizes":
            assert [rows[1][0], rows[2][0]] == ["'=1+1", 'a "b", c']
    with (tmp_path / "quality.csv").open(encoding="utf-8-sig", newline="") as stream:
        saved = list(csv.reader(stream))
    counts = built.query("select checked_rows from data_quality where checked_rows >= 1000")["checked_rows"]
    assert {str(count) for count in counts} & {cell for row in saved[1:] for cell in row}
    assert visit.complaints == []
    page.close()


def test_keyboard_reaches_contents_and_tables(browser: Browser, file: Path) -> None:
    page = browser.new_page(viewport=DESK)  # type: ignore[arg-type]
    Visit(page, file)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#segments"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**#segments")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open") is True
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"
    page.close()


def test_paper_is_filled_and_no_figure_is_cut(browser: Browser, file: Path, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 688, "height": 1012}, color_scheme="dark")
    Visit(page, file)
    figures = page.locator("figure").count()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()
    # 268 mm between the margins of A4 upright, at 96 dots an inch; what is higher would be cut.
    heights = page.evaluate(
        "[...document.querySelectorAll('figure:has(.drawings)')].map(f => f.getBoundingClientRect().height)"
    )
    assert max(heights) < 1012
    page.pdf(path=tmp_path / "report.pdf", prefer_css_page_size=True, print_background=True)
    content = (tmp_path / "report.pdf").read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 4 <= pages <= figures * 2 / 3
    for box in re.findall(rb"/MediaBox\s*\[([^\]]+)\]", content):
        left, bottom, right, top = (float(number) for number in box.split())
        assert right - left < top - bottom
    page.close()
