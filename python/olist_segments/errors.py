"""The one exception that a user is meant to read."""


class UserError(Exception):
    """Bad input or set-up, told in one sentence: what is wrong, where, and what to do."""
