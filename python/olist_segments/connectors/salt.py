"""The salt that customer ids are hashed with: one for each site, kept beside the project and nowhere in a table."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import duckdb

from olist_segments.errors import UserError

FILE = ".id_salt"
LEAST_LENGTH = 16
ID_LENGTH = 32


def site_salt(project: Path) -> tuple[str, bool]:
    """The salt of OLIST_ID_SALT, or of the file `.id_salt`, which is made where there is none; whether it was made."""
    file = project / FILE
    try:
        if kept := kept_salt(project):
            return kept, False
        made = secrets.token_hex(32)
        # Whole or not at all, and never over another that a build beside this one has just made.
        unfinished = file.with_name(f"{FILE}.{os.getpid()}")
        unfinished.touch(mode=0o600, exist_ok=False)
        unfinished.write_text(made + "\n", encoding="utf-8")
        try:
            os.link(unfinished, file)
        except FileExistsError:
            return site_salt(project)
        finally:
            unfinished.unlink()
        return made, True
    except OSError as error:
        raise UserError(
            f"The salt of customer ids can't be kept in {FILE} ({(error.strerror or str(error)).lower()}): set "
            "OLIST_ID_SALT, or let the project's folder be written to."
        ) from error


def kept_salt(project: Path) -> str | None:
    """The salt that was given or made before; None where there is none yet. OSError."""
    if given := os.environ.get("OLIST_ID_SALT", ""):
        return _checked(given, "OLIST_ID_SALT")
    file = project / FILE
    return _checked(file.read_text(encoding="utf-8").strip(), f"The file {FILE}") if file.exists() else None


def customer_ids(salt: str, texts: Sequence[str]) -> list[str]:
    """The ids that stand for e-mails or names: the first 32 hex digits of SHA-256(salt, a bar, the text in lower case).

    Spaces around a text do not count. DuckDB computes them, as it does when the files are loaded.
    """
    digest = "left(sha256($salt || '|' || lower(trim($text))), $length)"
    with duckdb.connect() as connection:
        ids = []
        for text in texts:
            values = {"salt": salt, "text": text, "length": ID_LENGTH}
            ((digits,),) = connection.execute(f"select {digest}", values).fetchall()
            ids.append(str(digits))
        return ids


def _checked(salt: str, what: str) -> str:
    if len(salt) < LEAST_LENGTH:
        raise UserError(f"{what} is shorter than {LEAST_LENGTH} characters: take a long random text, and keep it.")
    return salt
