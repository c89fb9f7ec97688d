"""State and stage as a fold over a lead's history, in clock order."""

from datetime import datetime
from typing import NamedTuple

from .text import fold


class HistoryRow(NamedTuple):
    """What the fold reads of a history row.

    ``kind`` is ``manychat`` (then ``state``) or ``person`` (then ``stage_id`` for a move, or
    ``lost_change`` ``lost``/``restored``). ``occurred_at`` is naive UTC, ``row_id`` the record.
    A row that no rule fitted is ``waiting``: a rule made since does not count for it until a
    manager folds the lead again.
    """

    clock: str
    kind: str
    occurred_at: datetime
    state: str | None = None
    stage_id: int | None = None
    lost_change: str | None = None
    row_id: int | None = None
    waiting: bool = False


class Step(NamedTuple):
    """Where the lead stood after a row, whether the screen shows it, whether no rule fitted.

    ``returned``: the client of a lost or won lead came back, and the rule left the lead so.
    """

    stage_id: int | None
    changed: bool
    unmapped: bool
    returned: bool = False


class Ground(NamedTuple):
    """What a fold stands on: the rules, the lead's team, and what settings and entries say.

    ``unmapped_stage_id`` is set only where unmapped states shall move a lead; an initial state
    that waits like a row is ``initial_waiting``, as compared.
    """

    table: object
    team_id: int | None
    fallback_stage_id: int | None
    initial_state: str | None = None
    initial_at: datetime | None = None
    unmapped_stage_id: int | None = None
    initial_waiting: str | None = None


class Picture(NamedTuple):
    """The lead as its history says it; ``lost`` is None where no row decided it."""

    state: str | None
    state_date: datetime | None
    stage_id: int | None
    lost: bool | None
    lost_reason_id: int | None
    unmapped: bool
    dates: dict
    steps: tuple[Step, ...]


def fold_history(rows, ground):
    """Return the ``Picture`` of ``rows`` (sorted by clock); ``steps`` has one item a row."""
    walk = _Walk(ground)
    steps = tuple(walk.step(row) for row in rows)
    initial = ground.initial_state if walk.state is None else None
    return Picture(
        state=walk.state or initial,
        state_date=walk.state_date or (ground.initial_at if initial else None),
        stage_id=walk.standing,
        lost=walk.lost,
        lost_reason_id=walk.lost_reason_id if walk.lost else None,
        unmapped=walk.unmapped if walk.state else bool(initial) and _initial_rule(ground) is None,
        dates=walk.dates,
        steps=steps,
    )


def _initial_rule(ground):
    if not ground.initial_state or fold(ground.initial_state) == ground.initial_waiting:
        return None
    return ground.table.find(ground.initial_state, ground.team_id)


def _base_stage(ground):
    rule = _initial_rule(ground)
    return rule.stage_id if rule and rule.action == "stage" else ground.fallback_stage_id


class _Walk:
    """The running totals of one fold."""

    def __init__(self, ground):
        self.ground = ground
        self.base_stage_id = _base_stage(ground)
        self.state = self.state_date = None
        self.stage_id = None
        self.by_person = self.unmapped = self.returned = False
        self.lost = self.lost_reason_id = None
        self.dates = {}

    @property
    def is_won(self):
        """Whether a move, not the initial state, brought the lead into a won stage."""
        return self.ground.table.is_won(self.stage_id)

    @property
    def standing(self):
        return self.stage_id or self.base_stage_id

    def step(self, row):
        self.returned = False
        if row.kind == "person":
            changed = self._person(row)
            return Step(self.standing, changed, False)
        rule = None if row.waiting else self.ground.table.find(row.state, self.ground.team_id)
        changed = self._state(row, rule)
        return Step(self.standing, changed, rule is None, self.returned)

    def _person(self, row):
        if row.lost_change:
            self.lost, self.lost_reason_id = row.lost_change == "lost", None
            return True
        if not row.stage_id:
            return False
        moved = row.stage_id != self.standing
        self._move(row.stage_id)
        self.by_person = True
        return moved

    def _state(self, row, rule):
        if rule and rule.date_field:
            self.dates.setdefault(rule.date_field, row.occurred_at)
        repeated = self.state is not None and fold(row.state) == fold(self.state)
        if repeated:
            return False
        self.state, self.state_date, self.unmapped = row.state, row.occurred_at, rule is None
        self._follow(rule)
        return True

    def _follow(self, rule):
        if rule is None:
            if self.ground.unmapped_stage_id and not self.is_won:
                self._move(self.ground.unmapped_stage_id)
        elif rule.action == "lost":
            self._lose(rule)
        elif rule.action == "stage" and rule.stage_id:
            self._advance(rule)

    def _advance(self, rule):
        back = (self.lost or self.is_won) and not self.ground.table.is_won(rule.stage_id)
        self.returned = back and rule.reopen_policy == "leave"
        if self.returned and self.is_won:
            return
        if back and not self.returned:
            self.lost = False
        if self._may_move(rule):
            self._move(rule.stage_id)
            self.by_person = False

    def _lose(self, rule):
        # Odoo refuses to lose a lead that stands in a won stage, and rightly so.
        if not self.ground.table.is_won(self.standing):
            self.lost, self.lost_reason_id = True, rule.lost_reason_id

    def _may_move(self, rule):
        if rule.move_policy == "respect_manual":
            return not self.by_person
        # The initial state's stage never competes, so only a real move can be ahead.
        if rule.move_policy == "forward" and self.stage_id:
            return self.ground.table.is_later(rule.stage_id, self.stage_id)
        return True

    def _move(self, stage_id):
        self.stage_id = stage_id
        # A sale is never lost; a lead that nothing declared lost is left as it is.
        if self.lost and self.ground.table.is_won(stage_id):
            self.lost = False
