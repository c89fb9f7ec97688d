"""What can go wrong with a part, each with a text that a person can act on."""

from __future__ import annotations


class StackError(RuntimeError):
    """A part of the stack is not as it must be; the text says what to do."""


class PartMissing(StackError):
    """A part cannot be had here; the text names what to install or set."""


class NotReady(StackError):
    """A part was started but does not answer; the text ends with the tail of its log."""


class CommandFailed(StackError):
    """A command that fetches or prepares a part ended with an error."""
