from hashlib import sha256

from odoo import fields, models

from ..sync.clock import iso


class ManychatTombstone(models.Model):
    """Contacts that were erased: what was received up to then is dropped, later events start anew.

    Only the digest of the ManyChat id stays, so that nobody reads from here who it was.
    """

    _name = "manychat.tombstone"
    _description = "Erased ManyChat Contact"
    _order = "id desc"
    _rec_name = "digest"

    digest = fields.Char("Digest of the ManyChat ID", required=True, readonly=True)
    # as text: a Datetime of Odoo has no fractions of a second
    erased_until = fields.Char("Erased up to (UTC)", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_tombstone_digest_uniq
                   ON manychat_tombstone (digest, company_id)"""
        )
        return result

    def _digest(self, manychat_id):
        return sha256(manychat_id.encode()).hexdigest()

    def _put(self, manychat_ids, until):
        """Drop what was received up to ``until`` (ISO text); a later moment replaces an earlier."""
        known = {row.digest: row for row in self._of(manychat_ids)}
        for digest in {self._digest(manychat_id) for manychat_id in manychat_ids}:
            if digest not in known:
                company = self.env.company
                vals = {"digest": digest, "erased_until": until, "company_id": company.id}
                self.create(vals)
            elif known[digest].erased_until < until:
                known[digest].erased_until = until

    def _of(self, manychat_ids):
        digests = list({self._digest(manychat_id) for manychat_id in manychat_ids})
        return self.search([("digest", "in", digests), ("company_id", "=", self.env.company.id)])

    def _until(self, manychat_ids):
        """Return up to when these contacts were erased, of those that were."""
        until = {row.digest: row.erased_until for row in self._of(manychat_ids)}
        found = {manychat_id: until.get(self._digest(manychat_id)) for manychat_id in manychat_ids}
        return {manychat_id: moment for manychat_id, moment in found.items() if moment}

    def _dropped(self, events):
        """Return the keys of ``events`` (key -> event) that were received before an erasure."""
        until = self._until({event.manychat_id for event in events.values()})
        return [
            key
            for key, event in events.items()
            if iso(event.received_at) <= until.get(event.manychat_id, "")
        ]
