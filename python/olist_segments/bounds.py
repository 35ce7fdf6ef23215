"""Bounds of the bootstrap Jaccard (Hennig 2007): the evidence, the report and segment_stability judge by them."""

DISSOLVED = 0.5
"""A segment at most so similar to a refit's best match is dissolved in it."""

RECOVERED = 0.75
"""A segment at least so similar is found again, and stable when that is its mean."""
