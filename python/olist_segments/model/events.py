"""What became of each segment from one version to the next: survived, split, merged, disappeared, emerged.

Spiliopoulou, Ntoutsi, Theodoridis & Schult (2006), "MONIC: modeling and monitoring cluster transitions", KDD 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from olist_segments.arrays import IntArray

SURVIVES = 0.5
"""A segment goes on in another that holds at least this share of its members."""

PART = 0.25
"""A segment that does not is split among those that hold at least this share of its members each."""


@dataclass(frozen=True)
class Event:
    """What became of an earlier segment (`before`, -1 for none), and the later ones (`after`) that hold its members.

    `kind` is 'survives', 'merges' (others go on in the same later segment), 'splits', 'disappears' or 'emerges'.
    """

    kind: str
    before: int
    after: tuple[int, ...]


def events(table: IntArray) -> list[Event]:
    """One event for every earlier segment of `table` (r, c), then one for every later segment that none of them led to.

    The table holds how many customers were in the earlier segment i and are in the later segment j. An empty earlier
    segment disappears.
    """
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    heirs = [int(row.argmax()) if row.max(initial=0) >= SURVIVES else -1 for row in shares]
    found, led_to = [], set()
    for before, heir in enumerate(heirs):
        parts = tuple(int(after) for after in np.flatnonzero(shares[before] >= PART))
        if heir >= 0:
            found.append(Event("merges" if heirs.count(heir) > 1 else "survives", before, (heir,)))
            led_to.add(heir)
        elif len(parts) > 1 and shares[before, list(parts)].sum() >= SURVIVES:
            found.append(Event("splits", before, parts))
            led_to.update(parts)
        else:
            found.append(Event("disappears", before, ()))
    found += [Event("emerges", -1, (after,)) for after in range(table.shape[1]) if after not in led_to]
    return found
