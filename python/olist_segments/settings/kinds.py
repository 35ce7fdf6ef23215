"""The kinds of values that vars have: a check by pydantic, and the words for what may be given instead.

Each stands behind a type in `Annotated`. Values are taken strictly, as YAML gave them: "90" is no number, and true is
none either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

NOT_ALLOWED = "not_allowed"
"""Type of the errors whose message says what is allowed."""
NAMED_TWICE = "named_twice"
"""Type of the error of a list with a member that comes twice; the context holds it as `member`."""


class Kind:
    """Something a value may be; whatever pydantic has against a value is told as "give" and `words`."""

    @property
    def words(self) -> str:
        """What is allowed."""
        raise NotImplementedError

    def schema(self) -> CoreSchema:
        """The check."""
        raise NotImplementedError

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Called by pydantic."""
        return core_schema.custom_error_schema(
            self.schema(),
            custom_error_type=NOT_ALLOWED,
            custom_error_message="{words}",
            custom_error_context={"words": self.words},
        )


@dataclass(frozen=True)
class Truth(Kind):
    """True or false."""

    words = "true or false"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.bool_schema(strict=True)


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number; both bounds are allowed."""

    low: int
    high: int

    @property
    def words(self) -> str:
        """See Kind."""
        return f"a whole number from {self.low} to {self.high}"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.int_schema(strict=True, ge=self.low, le=self.high)


@dataclass(frozen=True)
class Number(Kind):
    """A number, whole or not; both bounds are allowed."""

    low: float
    high: float

    @property
    def words(self) -> str:
        """See Kind."""
        return f"a number from {self.low} to {self.high}"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.float_schema(strict=True, ge=self.low, le=self.high, allow_inf_nan=False)


@dataclass(frozen=True)
class Name(Kind):
    """A name that may stand in SQL as it is."""

    words = "a name of lower-case letters, digits and underscores"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.str_schema(strict=True, pattern="^[a-z][a-z0-9_]{0,62}$")


@dataclass(frozen=True)
class OneOf(Kind):
    """One of some names."""

    names: tuple[str, ...]

    @property
    def words(self) -> str:
        """See Kind."""
        return f"one of {', '.join(self.names)}"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.literal_schema(list(self.names))


@dataclass(frozen=True)
class OneOfAbout(Kind):
    """One of some names, alone or with a colon and what it is about."""

    names: tuple[str, ...]

    @property
    def words(self) -> str:
        """See Kind."""
        return f"one of {', '.join(self.names)}, alone or with a colon and a subject"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.str_schema(strict=True, pattern=f"^(?:{'|'.join(self.names)})(?::.{{1,200}})?$")


@dataclass(frozen=True)
class Text(Kind):
    """Any text; it reaches SQL as an escaped literal only."""

    words = "a text of 1 to 100 characters"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.str_schema(strict=True, min_length=1, max_length=100)


@dataclass(frozen=True)
class Salt(Kind):
    """A text that every engine digests alike, and of which no part can be taken for the text that is salted."""

    words = "a text of 1 to 100 printable ASCII characters without |"

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.str_schema(strict=True, pattern="^[ -{}~]{1,100}$")


@dataclass(frozen=True)
class Ascending(Kind):
    """Three numbers of one kind, each greater than the one before; or none, where the list may be empty."""

    members: Whole | Number
    may_be_empty: bool = False

    @property
    def words(self) -> str:
        """See Kind."""
        several = self.members.words.replace("a ", "three ", 1).replace("number", "numbers", 1)
        three = f"{several}, each greater than the one before"
        return f"an empty list, or {three}" if self.may_be_empty else three

    def schema(self) -> CoreSchema:
        """See Kind."""
        return core_schema.no_info_after_validator_function(
            self._ascending, core_schema.list_schema(self.members.schema(), max_length=3)
        )

    def _ascending(self, values: list[float]) -> list[float]:
        is_empty = not values and self.may_be_empty
        if not is_empty and (len(values) != 3 or not values[0] < values[1] < values[2]):
            raise ValueError(self.words)
        return values


@dataclass(frozen=True)
class Members:
    """A list whose members have a kind of their own; none comes twice."""

    may_be_empty: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Called by pydantic."""
        members = core_schema.no_info_after_validator_function(_without_a_member_twice, handler(source))
        return core_schema.no_info_before_validator_function(self._as_list, members)

    def _as_list(self, value: Any) -> Any:
        if not isinstance(value, list | tuple) or not (value or self.may_be_empty):
            raise PydanticCustomError(NOT_ALLOWED, "a list" if self.may_be_empty else "a list of at least one member")
        return list(value)


def _without_a_member_twice(members: list[Any]) -> list[Any]:
    for i, member in enumerate(members):
        if member in members[:i]:
            raise PydanticCustomError(NAMED_TWICE, "twice", {"member": member})
    return members


@dataclass(frozen=True)
class Mapping:
    """A mapping of names to values with a kind of their own."""

    may_be_empty: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Called by pydantic."""
        return core_schema.no_info_before_validator_function(self._as_mapping, handler(source))

    def _as_mapping(self, value: Any) -> Any:
        if not isinstance(value, dict) or not (value or self.may_be_empty):
            raise PydanticCustomError(NOT_ALLOWED, "a mapping of names to values")
        return value
