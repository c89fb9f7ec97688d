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

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_partner_claim_uniq
                   ON manychat_partner_claim (digest)"""
        )
        return result

    def _claim(self, names):
        """Let nobody else look for ``names``, pairs of kind and text, until the commit.

        :raise SerializationFailure: somebody did since this transaction began, whose partner it
            cannot see; Odoo then starts the call anew.
        """
        # In one order for all, so that two callers never wait in a ring.
        digests = sorted({sha256(f"{kind}:{text}".encode()).hexdigest() for kind, text in names})
        self.env.cr.execute(
            """INSERT INTO manychat_partner_claim (digest, write_date)
               SELECT digest, now() AT TIME ZONE 'UTC' FROM unnest(%s::text[]) AS digest
                   ON CONFLICT (digest) DO UPDATE SET write_date = EXCLUDED.write_date""",
            (digests,),
        )

    @api.autovacuum
    def _forget(self):
        """Delete what no call that is still under way can have claimed."""
        self.env.cr.execute(
            """DELETE FROM manychat_partner_claim
                WHERE write_date < now() AT TIME ZONE 'UTC' - interval '1 hour'"""
        )
