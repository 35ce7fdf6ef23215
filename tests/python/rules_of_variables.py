"""The rules of the project's vars, as the macro returns them."""

from __future__ import annotations

from typing import Any

import jinja2
from dbt_here import PROJECT

RULES = PROJECT / "macros" / "variables" / "rules_of_variables.sql"


def rules() -> dict[str, Any]:
    """The rule of each var, by name."""
    returned: list[dict[str, Any]] = []
    template = RULES.read_text(encoding="utf-8") + "{% do rules_of_variables() %}"
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    environment.globals["return"] = returned.append
    environment.from_string(template).render()
    (found,) = returned
    return found
