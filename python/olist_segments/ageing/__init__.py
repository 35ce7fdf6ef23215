"""How fast the segmentation goes stale: a frozen model compared with fresh fits of later dates, over and over."""
