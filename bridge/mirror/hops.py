"""The hops of the road that a person may stop, for whoever only names them: no database in here."""

from __future__ import annotations

from enum import StrEnum

UNREAD_SECONDS = 60.0
"""What has been due for longer makes a hop count as not read, unless a person stopped it."""


class Hop(StrEnum):
    """What can be stopped; `schedule` is inbox, dead letters and retention, `write-back` all calls
    to ManyChat."""

    CONTACT = "contact"
    CAMPAIGN = "campaign"
    CRM = "crm"
    FEEDBACK = "feedback"
    WRITE_BACK = "write-back"
    SCHEDULE = "schedule"
