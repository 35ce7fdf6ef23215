"""Every output that docs/campaigns.md shows is what the command above it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from walkthrough import PAGE, run_again


@pytest.mark.slow
def test_the_quarter_of_the_page_can_be_walked_again(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```text") >= 6
    assert run_again(page, tmp_path) == page
