from .common import ManychatCase, event


class TestOneWrite(ManychatCase):
    """A person's outcome and move in one write are the same two steps as one after the other."""

    def setUp(self):
        super().setUp()
        self.sync(*(event(f"e-{name}", 1, f"mc-{name}", state="Nuevo") for name in ("one", "two")))

    def as_manager(self, name):
        return self.lead(f"mc-{name}").with_user(self.mapper)

    def told(self, name):
        """Return what stands of a lead: itself, its history, and its part of the feed."""
        lead = self.lead(f"mc-{name}")
        feed = self.env["crm.lead"].with_user(self.bridge).manychat_changes()["changes"]
        return {
            "lead": (lead.active, lead.stage_id, lead.lost_reason_id),
            "history": [
                (row.kind, row.user_id, row.lost_change, row.stage_id.name, row.changed)
                for row in lead.manychat_history_ids.sorted("clock")
            ],
            "feed": [
                (c["kind"], c["values"], c["stage"], c["active"])
                for c in sorted(feed, key=lambda change: change["clock"])
                if c["lead_id"] == lead.id
            ],
        }

    def assert_same(self, *writes):
        """Do ``writes`` on one lead at once and on the other one by one, then fold both again."""
        at_once = {}
        for vals in writes:
            at_once.update(vals)
            self.as_manager("two").write(vals)
        self.as_manager("one").write(at_once)
        self.assertEqual(self.told("one"), self.told("two"))
        for name in ("one", "two"):
            self.sync_one(f"{name}-{len(writes)}", 9, f"mc-{name}", summary="Later")
        self.assertEqual(self.told("one"), self.told("two"))

    def test_archived_and_moved(self):
        stage = self.stage("quotation_started")
        self.assert_same({"active": False}, {"stage_id": stage.id})
        outcomes = [row[2:4] for row in self.told("one")["history"]]
        first = self.stage("subscribed").name
        self.assertEqual(outcomes, [(False, first), ("lost", first), (False, stage.name)])

    def test_lost_with_a_reason_and_moved(self):
        reason = self.env["crm.lost.reason"].create({"name": "Too far"})
        lost = {"active": False, "lost_reason_id": reason.id}
        self.assert_same(lost, {"stage_id": self.stage("quotation_started").id})

    def test_restored_and_moved(self):
        for name in ("one", "two"):
            self.as_manager(name).action_set_lost()
        self.assert_same({"active": True}, {"stage_id": self.stage("quotation_started").id})

    def test_restored_and_won(self):
        for name in ("one", "two"):
            self.as_manager(name).action_set_lost()
        self.assert_same({"active": True}, {"stage_id": self.stage("sale_won").id})

    def test_named_lost_and_moved(self):
        lost = {"contact_name": "Ana", "active": False}
        self.assert_same(lost, {"stage_id": self.stage("quotation_started").id})
