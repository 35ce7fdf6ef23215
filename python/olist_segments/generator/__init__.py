"""A marketplace of any size in the nine-file layout of the Olist export, with planted customer kinds."""

from olist_segments.generator.settings import Change, Settings
from olist_segments.generator.write import generate

__all__ = ["Change", "Settings", "generate"]
