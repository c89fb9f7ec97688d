import threading
from contextlib import contextmanager

from odoo import SUPERUSER_ID, api
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, tagged
from odoo.tests.common import get_db_name
from psycopg2 import errors

WRITERS, EACH = 6, 15


@tagged("post_install", "-at_install")
class TestChangesAtOnce(BaseCase):
    """Real transactions side by side: whatever commits late is still read, once."""

    def setUp(self):
        super().setUp()
        with self.transaction() as env:
            self.company_id = env.company.id
        self.addCleanup(self.forget)
        self.forget()

    @contextmanager
    def transaction(self):
        with db_connect(get_db_name()).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})

    def forget(self):
        with self.transaction() as env:
            env.cr.execute("DELETE FROM manychat_change WHERE manychat_id LIKE 'at-once-%'")
            env.cr.execute("DELETE FROM manychat_change_feed")

    def tell(self, cr, name):
        """Add a change; by SQL, since no thread of a test may make an environment of its own."""
        cr.execute(
            """INSERT INTO manychat_change (manychat_id, company_id, kind, clock, create_date)
               VALUES (%s, %s, 'stage', 'c', now())""",
            (f"at-once-{name}", self.company_id),
        )

    def page(self, cursor):
        """Return ``(names, cursor)`` of what is new, as one call of the bridge."""
        with self.transaction() as env:
            answer = env["crm.lead"].manychat_changes(cursor, 10)
        names = [c["manychat_id"].removeprefix("at-once-") for c in answer["changes"]]
        return names, answer["cursor"]

    def start(self):
        """Return a cursor behind everything that was there before the test."""
        names, cursor = self.page(None)
        while names:
            names, cursor = self.page(cursor)
        return cursor

    def test_a_transaction_that_ends_late_is_read_late(self):
        cursor = self.start()
        with self.transaction() as early, self.transaction() as late:
            self.tell(early.cr, "early")
            self.tell(late.cr, "late")
            late.cr.commit()
            names, cursor = self.page(cursor)
            self.assertEqual(names, ["late"])
            early.cr.commit()
        self.assertEqual(self.page(cursor)[0], ["early"])

    def test_what_is_rolled_back_leaves_no_trace(self):
        cursor = self.start()
        with self.transaction() as env:
            self.tell(env.cr, "undone")
            env.cr.rollback()
        with self.transaction() as env:
            self.tell(env.cr, "done")
        self.assertEqual(self.page(cursor)[0], ["done"])

    def test_of_two_readers_one_waits_for_the_others_numbers(self):
        self.start()
        with self.transaction() as env:
            self.tell(env.cr, "once")
        with self.transaction() as first, self.transaction() as second:
            first["manychat.change"]._number_committed(first.company, 10)
            second.cr.execute("SET LOCAL lock_timeout = '50ms'")
            with self.assertLogs("odoo.sql_db"), self.assertRaises(errors.LockNotAvailable):
                second["manychat.change"]._number_committed(second.company, 10)
            second.cr.rollback()

    def test_many_writers_lose_nothing_and_double_nothing(self):
        cursor, seen = self.start(), []
        threads = [threading.Thread(target=self.write_many, args=(n,)) for n in range(WRITERS)]
        for thread in threads:
            thread.start()
        writing = True
        while writing:
            writing = any(thread.is_alive() for thread in threads)
            names, cursor = self.page(cursor)
            while names:
                seen += names
                names, cursor = self.page(cursor)
        self.assertEqual(len(seen), WRITERS * EACH)
        for n in range(WRITERS):
            own = [name for name in seen if name.startswith(f"{n}.")]
            self.assertEqual(own, [f"{n}.{k}" for k in range(EACH)])

    def write_many(self, number):
        """Tell one change a transaction, each held open for a while of its own."""
        for k in range(EACH):
            with db_connect(get_db_name()).cursor() as cr:
                self.tell(cr, f"{number}.{k}")
                cr.execute("SELECT pg_sleep(%s)", (0.001 * ((7 * number + 3 * k) % 20),))
