"""What a raw file is refused by."""

from __future__ import annotations

import re

from olist_segments.errors import UserError

_STEERS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


_ADDRESS = re.compile(r"[^\s'\",;()<>]+@[^\s'\",;()<>]+")


class RefusedInput(UserError):
    """One sentence: the file, the place in it, what is wrong and what to do.

    What is quoted can't steer a terminal, and holds no e-mail address: sentences stay in logs.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(_ADDRESS.sub("…@…", _STEERS.sub("?", sentence)))
