"""A fitted model: scaling, segments and their names. Nothing here fits a segmentation."""
