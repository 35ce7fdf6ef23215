"""Choosing a segmentation: candidates, the evidence for each, the rule that picks one, versions of the model."""
