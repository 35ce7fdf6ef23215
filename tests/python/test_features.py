"""The recipe of CONTRIBUTING for a feature: one entry and its name in a set, and every table knows it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import dbt_here
import pytest
import yaml
from nights import SETTINGS, WHOLE, Nights
from olist_segments.model.features import transforms_of, words_of
from warehouses import PROJECT, Warehouse

# What dbt reads of the project.
FOLDERS = ("connectors", "models", "macros", "seeds", "tests")
FILES = (".dbtignore", "dbt_project.yml", "profiles.yml")


def recipe() -> str:
    """The entry that CONTRIBUTING shows."""
    section = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Add a feature")[1]
    found = re.search(r"```yaml\n(.*?)\n```", section, re.DOTALL)
    assert found
    return found[1]


def test_what_the_registry_leaves_out_is_made_of_the_name() -> None:
    features = {
        "freight_share": {"transform": "sqrt"},
        "total_spend": {"transform": "log1p", "label": "spend", "low": "tight with money", "high_key": "rich"},
    }
    assert transforms_of(features) == {"freight_share": "sqrt", "total_spend": "log1p"}
    assert words_of(features) == {
        "freight_share": (("low_freight_share", "low freight share"), ("high_freight_share", "high freight share")),
        "total_spend": (("tight_with_money", "tight with money"), ("rich", "high spend")),
    }


@pytest.mark.slow
def test_a_feature_is_added_by_one_entry_and_its_name_in_a_set(
    nights: Nights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    for folder in FOLDERS:
        shutil.copytree(
            PROJECT / folder, project / folder, ignore=shutil.ignore_patterns("python", "upgrade", "readers")
        )
    for name in FILES:
        shutil.copy(PROJECT / name, project / name)
    settings = (project / "dbt_project.yml").read_text(encoding="utf-8")
    entry = recipe()
    (name,) = yaml.safe_load(entry)
    with_entry = settings.replace("  features:\n", f"  features:\n{entry}\n", 1)
    changed = re.sub(r"^( {4}r?fm_review\w*: \[[^]]*)\]", rf"\1, {name}]", with_entry, flags=re.MULTILINE)
    assert changed.count(name) == 4
    (project / "dbt_project.yml").write_text(changed, encoding="utf-8")

    monkeypatch.setattr(dbt_here, "PROJECT", project)
    read = dbt_here.read_by_dbt(tmp_path / "read", SETTINGS)
    monkeypatch.setattr(dbt_here, "parsed_project", lambda *_: read)
    warehouse = Warehouse(tmp_path / "built")
    warehouse.dbt(*WHOLE, data=nights.tonight, variables=SETTINGS)
    label = yaml.safe_load(entry)[name]["label"]
    for sql in (
        f"select count(*) from segment_model where feature = '{name}'",
        f"select count(*) from segment_traits where feature = '{name}' and trait = '{label}' and segment_mean > 0",
        f"select count(*) from feature_drift_monthly where feature = '{name}' and is_in_model",
        f"select count(*) from segment_profiles where contains(traits, '{label}')",
    ):
        assert warehouse.query(sql).to_numpy()[0, 0] >= 2, sql
