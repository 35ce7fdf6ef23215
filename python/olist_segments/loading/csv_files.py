"""Raw CSV files read beside the engine: an independent count of their records, and where in a file something stands.

Bytes are taken as they are (Latin-1), since every mark that tells records apart is ASCII in UTF-8 as well. Lines are
counted as an editor counts them.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate, islice
from pathlib import Path
from typing import Any

_LINE_ENDS = {
    "\n": "a line feed",
    "\r\n": "a carriage return and a line feed",
    "\r": "a carriage return alone",
    "\r\r\n": "two carriage returns and a line feed",
}
_CHUNK = 1 << 20


def reading_error(path: str) -> str | None:
    """Why `path` can't be read, in the words of the system; None where it can."""
    try:
        with open(path, "rb") as stream:
            stream.read(1)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None


def first_line(path: str, encoding: str = "utf-8") -> str:
    """The first line of the file without its end, as text; empty where the file is."""
    with open(path, "rb") as stream:
        line = re.split(rb"[\r\n]", stream.readline(_CHUNK), maxsplit=1)[0]
    return line.decode(encoding, errors="replace")


def count_records(path: str, expected: int) -> int:
    """The records below the header, blank lines left out: `expected`, or what a reading of the file says instead.

    Line feeds outside quotes are counted, at the speed of the disk. Only where they are not `expected` + 1 is the file
    parsed: a quote inside a value, a blank line or the line ends of old Macs mislead the plain count.
    """
    if _line_feeds_outside_quotes(path) == expected + 1:
        return expected
    with _parsed(path) as records:
        return sum(1 for _ in records) - 1


def line_of_record(path: str, number: int) -> int:
    """The line on which a record begins; the records below the header are numbered from 0."""
    with _parsed(path) as records:
        return next((line for index, (line, _) in enumerate(records, -1) if index == number), 1)


def line_of_byte(path: str, position: int) -> int:
    """The line on which the byte at `position`, counted from 1, stands."""
    with _open(path) as lines:
        ends = accumulate(len(line) for line in lines)
        return next((number for number, end in enumerate(ends, 1) if end >= position), 1)


def open_quote(path: str) -> dict[str, Any] | None:
    """The last record, where a quoted value in it never ends: its `line`, the number of its `column`, its `text`."""
    with _parsed(path) as records:
        line, record = deque(records, maxlen=1).pop()
    with _open(path) as lines:
        rest = list(islice(lines, line - 1, None))
        try:
            list(csv.reader(rest, skipinitialspace=True, strict=True))
        except csv.Error:
            text = "".join(rest).encode("latin-1").decode("utf-8", errors="replace")
            return {"line": line, "column": len(record), "text": text}
    return None


def line_end_fault(path: str) -> str | None:
    """What is wrong with the line ends of a file, to be said behind its name; None where all are of one usual kind."""
    usual = ""
    for line, end in _line_ends(path):
        usual = usual or end
        if end != usual:
            return (
                f", line {line}: the line ends in {_LINE_ENDS[end]}, the lines before it in {_LINE_ENDS[usual]}: "
                "export it again, with the same line ends throughout and in quotes any value that holds one."
            )
    if usual == "\r\r\n":
        return (
            " ends its lines in two carriage returns and a line feed, as when a program on Windows translates line "
            "ends twice: export it again, with one carriage return or none."
        )
    return None


def _line_feeds_outside_quotes(path: str) -> int:
    count = 0
    is_quoted = False
    last = b"\n"
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            parts = chunk.split(b'"')
            count += b"".join(parts[is_quoted::2]).count(b"\n")
            is_quoted ^= len(parts) % 2 == 0
            last = chunk[-1:]
    return count + (last != b"\n" or is_quoted)


def _line_ends(path: str) -> Iterator[tuple[int, str]]:
    """The line on which each record ends, and by what; what stands inside quotes is no end."""
    last = ""

    def remembered(lines: Iterator[str]) -> Iterator[str]:
        nonlocal last
        for line in lines:
            last = line
            yield line

    waiting: tuple[int, str] | None = None
    with _open(path) as lines:
        reader = csv.reader(remembered(lines), skipinitialspace=True)
        for record in reader:
            end = last[len(last.rstrip("\r\n")) :]
            if waiting and not record and (waiting[1], end) == ("\r", "\r\n"):
                yield waiting[0], "\r\r\n"
                waiting = None
                continue
            if waiting and waiting[1]:
                yield waiting
            waiting = reader.line_num, end
    if waiting and waiting[1]:
        yield waiting


@contextmanager
def _parsed(path: str) -> Iterator[Iterator[tuple[int, list[str]]]]:
    """The records that are no blank lines, header included, each with the line on which it begins."""
    with _open(path) as lines:
        reader = csv.reader(lines, skipinitialspace=True)

        def records() -> Iterator[tuple[int, list[str]]]:
            line = 1
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1

        yield records()


@contextmanager
def _open(path: str) -> Iterator[Iterator[str]]:
    """The lines of a file with their ends; a value may be of any length."""
    limit = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        with Path(path).open(encoding="latin-1", newline="") as lines:
            yield lines
    finally:
        csv.field_size_limit(limit)
