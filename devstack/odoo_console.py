"""`make odoo`: a development Odoo whose database stays, until Ctrl-C."""

from __future__ import annotations

from devstack.odoo_server import OdooServer
from devstack.odoo_sources import choose
from devstack.stack import Stack
from devstack.staying import stay_up


def serve_odoo(series: str | None) -> int:
    """Start it, say where it is and who can log in, and wait."""
    with Stack(choose(series), name="dev", keep=True) as stack:
        stack.odoo.start()
        print("\n".join(["", *logins(stack.odoo), f"  log          {stack.logs / 'odoo.log'}"]))
        stay_up()
    return 0


def logins(odoo: OdooServer) -> list[str]:
    """Lines that tell the address and who can log in."""
    people = odoo.people
    return [
        f"Odoo {odoo.source.series}   {odoo.url}/odoo",
        *(
            f"  {role:<12} {person.login}  /  {person.password}"
            for role, person in (
                ("salesperson", people.salesperson),
                ("manager", people.manager),
                ("admin", people.admin),
            )
        ),
    ]
