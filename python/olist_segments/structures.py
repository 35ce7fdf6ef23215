"""What the column `structure` of segment_candidates means, in words for readers."""

from __future__ import annotations

SENTENCES = {
    "types": "The kinds are types: their traits go together more than chance explains.",
    "bands": "The kinds are bands: useful cuts through traits that vary nearly independently, not separate types of "
    "customers.",
}
