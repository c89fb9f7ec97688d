"""The invented people who log in to a stack's Odoo; their passwords are new in every run."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True)
class Login:
    """Someone's way into Odoo."""

    name: str
    login: str
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9), repr=False)


@dataclass(frozen=True)
class People:
    """Everyone that a stack makes in its Odoo; the bridge also gets an API key."""

    admin: Login = field(default_factory=lambda: Login("Administrator", "admin"))
    bridge: Login = field(default_factory=lambda: Login("Puente ManyChat", "puente@demo.example"))
    salesperson: Login = field(default_factory=lambda: Login("Lucía Ventas", "ventas@demo.example"))
    manager: Login = field(default_factory=lambda: Login("Marta Jefa", "jefa@demo.example"))

    ROLES: ClassVar[tuple[str, ...]] = ("admin", "bridge", "salesperson", "manager")

    def as_arguments(self) -> dict[str, dict[str, str]]:
        """Role → name, login and password, for the script that runs inside Odoo."""
        return {role: dict(vars(getattr(self, role))) for role in self.ROLES}
