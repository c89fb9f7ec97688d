"""Mirror and Odoo compared on the whole road: what was planted is found, and nothing else."""

from __future__ import annotations

from benchmarks.reconciling import measured
from devstack.stack import Stack


def test_planted_differences_are_found_and_mended(stack: Stack) -> None:
    assert measured(stack, contacts=2_000, each=10) == []
