"""What was found wrong, by kind."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ("lost", "doubled", "echoes", "state", "history", "manychat", "dead letters", "answers")


@dataclass
class Verdict:
    """Sentences by kind, and how much there was.

    `deeds`: what people did in Odoo, a lead each. `told`: values that ManyChat was to know.
    """

    accepted: int = 0
    ledger: int = 0
    dead: int = 0
    deeds: int = 0
    told: int = 0
    wrong: dict[str, list[str]] = field(default_factory=dict)

    def note(self, kind: str, text: str) -> None:
        self.wrong.setdefault(kind, []).append(text)

    def count(self, kind: str) -> int:
        return len(self.wrong.get(kind, ()))

    @property
    def mismatches(self) -> list[str]:
        return [f"{kind}: {text}" for kind, texts in self.wrong.items() for text in texts]
