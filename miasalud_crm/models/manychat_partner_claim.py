from hashlib import sha256

from odoo import api, fields, models


class ManychatPartnerClaim(models.Model):
    """Phones and e-mails whose partner is being looked for: two callers never make it twice.

    A row's write is what two transactions meet at. Only digests are kept, for a day.
    """

    _name = "manychat.partner.claim"
    _description = "Claim to a ManyChat Contact's Partner"
    _rec_name = "digest"

    digest = fields.Char(required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_partner_claim_digest_uniq
                   ON manychat_partner_claim (digest, company_id)"""
        )
        return result

    def _claim(self, names):
        """Let nobody else in the company look for ``names``, (kind, text), until the commit.

        :raise SerializationFailure: somebody did since this transaction began, whose partner it
            cannot see; Odoo then starts the call anew.
        """
        # In one order for all, so that two callers never wait in a ring.
        digests = sorted({sha256(f"{kind}:{text}".encode()).hexdigest() for kind, text in names})
        self.env.cr.execute(
            """INSERT INTO manychat_partner_claim (digest, company_id, write_date)
               SELECT digest, %s, now() AT TIME ZONE 'UTC' FROM unnest(%s::text[]) AS digest
                   ON CONFLICT (digest, company_id)
                   DO UPDATE SET write_date = EXCLUDED.write_date""",
            (self.env.company.id, digests),
        )

    @api.autovacuum
    def _forget(self):
        """Delete what no call that is still under way can have claimed."""
        self.env.cr.execute(
            """DELETE FROM manychat_partner_claim
                WHERE write_date < now() AT TIME ZONE 'UTC' - interval '1 hour'"""
        )
