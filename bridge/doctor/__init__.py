"""Checks every part the bridge depends on and says, in one line each, what to do."""

from bridge.doctor.check import Check
from bridge.doctor.examining import PARTS, examine

__all__ = ["PARTS", "Check", "examine"]
