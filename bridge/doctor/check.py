"""One finding, and the cure for each code that a part can answer with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from bridge.errors import BridgeError, PermanentError

CURES = {
    "bad_settings": "set it in the environment or in .env; .env.example lists every variable",
    "driver_missing": "install it (the images have it), or name one that is installed in "
    "DATABASE_URL (driver=…)",
    "name_unknown": "the host's name is wrong, or this machine's DNS does not know it (a private "
    "endpoint needs its private DNS zone)",
    "tls_expired": "renew the certificate; until then nothing reaches that part",
    "tls_expires_soon": "renew the certificate before it ends",
    "tls_wrong_name": "the certificate is for another host: use the name that it holds",
    "tls_untrusted": "the certificate's issuer is unknown here: serve the whole chain, or add the "
    "authority to this machine",
    "tls_failed": "nothing speaks TLS there: check the port and the https:// in the address",
    "clock_skew": "set the clock by NTP, on this machine or on that one: keys are refused and "
    "events are dated wrongly until then",
    "queue_unreachable": "start the storage account (or Azurite), check AZURE_STORAGE_* and the "
    "firewall",
    "queue_no_answer": "the account is there but slow: look at it, then try again",
    "queue_refused": "check the account key, or give the identity the role "
    "'Storage Queue Data Contributor'",
    "queue_no_credentials": "sign in, or give this machine a managed identity",
    "mirror_busy": "another writer holds it: ask again in a moment",
    "schema_missing": "run: python -m bridge db upgrade",
    "schema_outdated": "run: python -m bridge db upgrade",
    "mirror_no_write": "give the login SELECT, INSERT, UPDATE and DELETE on the mirror's tables "
    "(db_datareader and db_datawriter)",
    "odoo_bad_url": "set ODOO_URL to something like http://odoo:8069",
    "odoo_unreachable": "start Odoo, or check ODOO_URL",
    "odoo_login_refused": "check ODOO_DB, ODOO_USERNAME and ODOO_PASSWORD (an API key works)",
    "odoo_no_database": "check ODOO_DB and the PostgreSQL behind Odoo",
    "odoo_no_rights": "put ODOO_USERNAME into the group ManyChat / Bridge",
    "odoo_addon_missing": "install the addon miasalud_crm in that database",
    "addon_other_version": "upgrade the addon to this release's: odoo -u miasalud_crm",
    "no_mappings": "no state leads to a stage: CRM › ManyChat › Stage Mapping, in the company of "
    "ODOO_USERNAME",
    "rights_too_wide": "make ODOO_USERNAME a portal user with the group ManyChat / Bridge and no "
    "other: its key lies on other machines",
    "api_unreachable": "run: python -m bridge serve",
    "api_not_ready": "its log says which part is away; queue or mirror must answer",
    "api_part_away": "if this machine reaches it, compare the API's settings and network",
    "api_only_inbox": "webhooks are kept in the mirror's inbox: mend the queue, then they go on by "
    "themselves",
    "hop_not_read": "is its worker running? Start or restart it (python -m bridge worker …); one "
    "that runs and is busy needs one more beside it",
    "hop_paused": "somebody stopped it; python -m bridge resume HOP lets it go on",
    "api_key_refused": "this shell's API_KEY is not the API's: was it rotated?",
}
NOT_ASKED = "not_asked"
_MARKS = {NOT_ASKED: "-- ", "hop_paused": "NB "}
_FALLBACKS = {
    "mirror": "check DATABASE_URL and that the database is up",
    "mirror rights": "check DATABASE_URL and that the database is up",
    "odoo": "ODOO_URL must be an Odoo 18 or 19, without a page in front of it",
    "odoo login": "check ODOO_DB, ODOO_USERNAME and ODOO_PASSWORD",
    "odoo addon": "look at Odoo's log, then upgrade the addon miasalud_crm",
    "odoo rights": "look at Odoo's log, then upgrade the addon miasalud_crm",
    "queue storage": "check AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_URL",
    "queue rights": "check AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_URL",
}


class Finding(PermanentError):
    """What a check found wrong; its code has a cure."""


class Remark(Finding):
    """What a person should know, though it may be as it is meant to be."""


@dataclass(frozen=True)
class Check:
    """What one part said: `ok`, a sentence, and what to do when it is not."""

    part: str
    ok: bool
    says: str
    advice: str = ""
    code: str = ""

    @property
    def line(self) -> str:
        """One line for a terminal."""
        mark = _MARKS.get(self.code) or ("OK " if self.ok else "BAD")
        text = f"{mark}  {self.part:<13}  {self.says}"
        return f"{text} -> {self.advice}" if self.advice else text

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def checked(part: str, ask: Callable[[], str]) -> Check:
    """What `ask` returns, or the finding that it raises with its cure."""
    try:
        return Check(part, True, ask())
    except BridgeError as error:
        says = f"{error.code} ({error.detail})" if error.detail else error.code
        advice = CURES.get(error.code) or _FALLBACKS.get(part) or "look at its log"
        return Check(part, isinstance(error, Remark), says, advice, error.code)


def not_asked(part: str, before: str) -> Check:
    """A part that cannot answer before another is mended."""
    return Check(part, False, "not asked", f"mend {before} first", NOT_ASKED)
