"""Imported by the process that others are forked from: the project as builds of the tiny marketplace read it."""

from __future__ import annotations

import forked as forked
from dbt_here import parsed_project
from nights import REFIT, SETTINGS

for variables in (SETTINGS, REFIT):
    parsed_project(variables)
