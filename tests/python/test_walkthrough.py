"""Every output that docs/campaigns.md shows is what the command above it prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from walkthrough import PAGE, run_again
from warehouses import FEW_CANDIDATES

# The page shows neither the choice among candidates nor how they age; README.md does, which is tested with all of them.
DBT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from dbt_here import run_dbt
ended = run_dbt(sys.argv[1:], {{}}, {FEW_CANDIDATES!r})
sys.exit(None if ended.success else ended.output)
"""


@pytest.mark.slow
def test_the_quarter_of_the_page_can_be_walked_again(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("```text") >= 6
    command = tmp_path / "bin" / "dbt"
    command.parent.mkdir()
    command.write_text(DBT)
    command.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    assert run_again(page, home, command.parent) == page
