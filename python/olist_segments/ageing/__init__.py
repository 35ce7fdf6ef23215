"""How fast the segmentation goes stale: a frozen model compared with fresh fits of later dates, over and over."""

from olist_segments.ageing.curve import ageing_curve
from olist_segments.ageing.refits import append_refit_choices
from olist_segments.ageing.simulation import COLUMNS, Plan, append_ageing

__all__ = ["COLUMNS", "Plan", "ageing_curve", "append_ageing", "append_refit_choices"]
