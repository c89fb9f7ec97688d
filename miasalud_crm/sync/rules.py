"""The stage mapping as plain values, as the fold reads it."""

from typing import NamedTuple

from .text import fold


class Rule(NamedTuple):
    """One active row of ``manychat.stage.mapping``; ``folded`` is its state as compared."""

    id: int
    folded: str
    match: str
    action: str
    stage_id: int | None
    lost_reason_id: int | None
    date_field: str | None
    move_policy: str
    team_id: int | None
    reopen_policy: str = "leave"

    def fits(self, folded):
        if self.match == "exact":
            return folded == self.folded
        if self.match == "starts":
            return folded.startswith(self.folded)
        return self.folded in folded

    def covers(self, other):
        """Return whether every state that fits ``other`` fits this rule, tried before it."""
        if self.team_id not in (None, other.team_id):
            return False
        if self.match == "exact":
            return other.match == "exact" and other.folded == self.folded
        # What contains a text may begin with anything.
        if self.match == "starts" and other.match == "contains":
            return False
        return self.fits(other.folded)


class StageRank(NamedTuple):
    """Where a stage stands: ``order`` compares, ``won`` is Odoo's own flag."""

    order: tuple[int, int]
    won: bool


class RuleTable(NamedTuple):
    """All rules of a company in the order in which they are tried, and all stages by id."""

    rules: tuple[Rule, ...]
    stages: dict

    def find(self, state, team_id):
        """Return the first rule that fits ``state`` for a lead of that team, else None."""
        folded = fold(state)
        if not folded:
            return None
        return next(
            (r for r in self.rules if r.team_id in (None, team_id) and r.fits(folded)), None
        )

    def is_later(self, stage_id, than_id):
        """Return whether ``stage_id`` stands behind ``than_id`` (unknown stages stand first)."""
        first = StageRank((-1, -1), False)
        return self.stages.get(stage_id, first).order > self.stages.get(than_id, first).order

    def is_won(self, stage_id):
        return stage_id in self.stages and self.stages[stage_id].won
