"""What several test modules share."""

from __future__ import annotations

import pytest
from olist_segments.publish import publish
from warehouses import FEW_CANDIDATES, SAMPLE, Warehouse


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A whole build of the sample that passed, and published; not to be changed."""
    warehouse = Warehouse(tmp_path_factory.mktemp("built"))
    warehouse.dbt("build", "--exclude-resource-type", "unit_test", data=SAMPLE, variables=FEW_CANDIDATES)
    publish(warehouse.serving, warehouse.path)
    return warehouse
