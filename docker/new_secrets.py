"""Prints new secrets for docker-compose.yml, to append to .env (a later line of a name wins).

Letters, digits and "-" only: one of them becomes part of a URL. Volumes keep the passwords that
they were made with, so new ones need `docker compose down --volumes` first.
"""

import secrets
import sys

NAMES = (
    "API_KEY",
    "WEBHOOK_API_KEY",
    "AZURITE_KEY",
    "ODOO_PASSWORD",
    "ODOO_ADMIN_PASSWORD",
    "POSTGRES_PASSWORD",
)


def lines() -> list[str]:
    """`NAME=value` for every secret that the compose file asks for."""
    made = {name: secrets.token_hex(32) for name in NAMES}
    # SQL Server asks for three kinds of characters, and for 128 of them at most
    made["MSSQL_SA_PASSWORD"] = f"Aa-{secrets.token_hex(32)}"
    return [f"{name}={value}" for name, value in made.items()]


if __name__ == "__main__":
    sys.stdout.write("\n# made by docker/new_secrets.py\n" + "\n".join(lines()) + "\n")
