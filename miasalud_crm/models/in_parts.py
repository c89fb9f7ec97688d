"""Does work on many things at once; what is refused costs its neighbours little time."""

import logging
from contextlib import closing, contextmanager
from functools import partial

from psycopg2 import InterfaceError, OperationalError, errors

from .private_sql import private_sql_errors

_logger = logging.getLogger(__name__)

# As many parts as a refused batch falls into: measured, 2 and 6 take longer for one in 100.
PARTS = 4

# Two callers met: a new transaction sees the other's row, this one never will.
RACED_INDEXES = frozenset(
    {
        "crm_lead_manychat_id_company_uniq",
        "mail_followers_mail_followers_res_partner_res_model_id_uniq",
        "manychat_event_event_id_uniq",
        "manychat_partner_uniq",
        "manychat_tombstone_digest_uniq",
        "manychat_stage_history_event_uniq",
        "utm_source_unique_name",
        "utm_campaign_unique_name",
    }
)


class CulpritFound(Exception):
    """Work on many failed because of the one at ``place`` (from 0); its cause is the error."""

    def __init__(self, place):
        super().__init__(place)
        self.place = place


def in_parts(env, items, do):
    """Yield ``(part, do(part), None)`` for all ``items``, or for ever smaller parts of them.

    ``items`` may be a list or a recordset. Each part is done in a savepoint and divided where that
    fails; what fails alone comes as ``(part, None, error)`` and has changed nothing. ``do`` may
    raise ``CulpritFound``, which spares the search.

    :raise OperationalError, InterfaceError: what a new transaction may mend, a lost race too.
    """
    if not items:
        return
    # what is refused here was written before, by others
    env.flush_all()
    env.cr.flush()
    try:
        with private_sql_errors(), _flushed(env):
            answer = do(items)
    except (OperationalError, InterfaceError):
        raise
    except CulpritFound as found:
        _retry_race(env, found.__cause__)
        yield items[found.place : found.place + 1], None, found.__cause__
        yield from in_parts(env, items[: found.place] + items[found.place + 1 :], do)
    except Exception as error:
        _retry_race(env, error)
        if len(items) == 1:
            yield items, None, error
            return
        _logger.debug("A batch of %s failed", len(items), exc_info=True)
        for part in parts(items):
            yield from in_parts(env, part, do)
    else:
        yield items, answer, None


def at_once(env, items, do):
    """Return ``do(items)``, with all that it left to compute and to write done.

    For one step of what ``in_parts`` does. Where it fails, the item that is to blame is searched
    for in this step alone, and what the search tries is undone.

    :raise CulpritFound: one of several ``items`` fails alone.
    """
    try:
        with _flushed(env):
            return do(items)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        blame(items, partial(_refusal, env, do))
        raise


def blame(items, refusal):
    """Search several ``items`` for one that is refused alone, in half of them, a quarter …

    :param refusal: function of some of the items that returns the error or None, and undoes both
    :raise CulpritFound: there is one; of several it is the first.
    """
    low, high = 0, len(items)
    if high < 2:
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if refusal(items[low:middle]) else (middle, high)
    if error := refusal(items[low:high]):
        raise CulpritFound(low) from error


@contextmanager
def _flushed(env):
    """A savepoint that holds what ``env`` has left to compute: a cursor's own flush reads it with
    the few rights of whoever called."""
    env.flush_all()
    with env.cr.savepoint() as savepoint:
        yield savepoint
        env.flush_all()


def _refusal(env, do, items):
    try:
        with _flushed(env) as savepoint, closing(savepoint):
            do(items)
            env.flush_all()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  (whatever it is, the caller raises it)
        return error
    return None


def parts(items):
    """Return ``items``, two at least, in ``PARTS`` slices of nearly one size, or fewer."""
    size = -(-len(items) // PARTS)
    return [items[start : start + size] for start in range(0, len(items), size)]


def _retry_race(env, error):
    """Turn a lost race into what Odoo retries; psycopg2's own class has no code to show."""
    if isinstance(error, errors.UniqueViolation) and error.diag.constraint_name in RACED_INDEXES:
        env.cr.execute(
            "DO $$ BEGIN RAISE EXCEPTION 'ManyChat sync: lost a race'"
            " USING ERRCODE = '40001'; END $$"
        )
