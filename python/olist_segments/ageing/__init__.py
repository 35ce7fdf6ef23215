"""How fast the segmentation goes stale: a frozen model compared with fresh fits of later dates, over and over."""

from olist_segments.ageing.simulation import COLUMNS, Plan, append_ageing

__all__ = ["COLUMNS", "Plan", "append_ageing"]
