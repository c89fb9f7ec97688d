from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.tools import escape_psql

from ..const import PARTNER_FILTERS, PARTNER_ORDERS, PARTNER_TEXTS
from ..sync.asking import may_ask
from ..sync.clock import iso


class ResPartner(models.Model):
    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_partners(self, filters=None, page=1, size=50, order="id"):
        """List contacts of the caller's company, and of none, a page of them.

        :param dict filters: any of ``partner_id`` (integer), ``manychat_id``, ``phone``, ``email``
            (lists of texts, of which one has to fit), ``search`` (a part of name, e-mail or
            phone, or a whole ManyChat id) and ``active`` (boolean; all where it is absent).
        :param int page: from 1.
        :param int size: 1 to 200.
        :param str order: ``id``, ``name``, ``email`` or ``updated_at``, ``-`` before it for down.
        :return: ``{total, partners}``; a partner has the keys of ``_manychat_shown``.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: a filter, page, size or order of no meaning.
        """
        partners = self._manychat_as_person().with_context(active_test=False)
        filters = filters or {}
        ordered = isinstance(order, str) and order.removeprefix("-") in PARTNER_ORDERS
        if not ordered or not may_ask(filters, PARTNER_FILTERS, page, size):
            raise ValidationError(self.env._("The contacts cannot be listed like that."))
        domain = [*partners._manychat_here(), *partners._manychat_domain(filters)]
        down = order.startswith("-")
        # of equal ones the order has to be the same on every page
        column = f"{PARTNER_ORDERS[order.removeprefix('-')]} {'desc' if down else 'asc'}"
        found = partners.search(domain, limit=size, offset=(page - 1) * size, order=f"{column}, id")
        return {
            "total": partners.search_count(domain),
            "partners": [partner._manychat_shown() for partner in found],
        }

    def _manychat_as_person(self):
        """Return an empty recordset of the caller's company with all rights, the caller checked.

        Not as the sync: what is written through it is somebody's wish, and told as such.
        """
        company = self.env["crm.lead"]._manychat_check_bridge()
        context = {
            "lang": company.sudo().partner_id.lang or self.env.lang,
            "allowed_company_ids": company.ids,
        }
        return self.browse().with_env(self.env(context=context, su=True))

    def _manychat_here(self):
        return [("company_id", "in", (self.env.company.id, False))]

    def _manychat_domain(self, filters):
        """Return the domain of checked filters."""
        domain = []
        for key, value in filters.items():
            if key == "phone":
                domain += ["|", ("phone_sanitized", "in", value), ("phone", "in", value)]
            elif key == "email":
                lowered = [text.lower() for text in value]
                domain += ["|", ("email_normalized", "in", lowered), ("email", "in", value)]
            elif key == "manychat_id":
                domain.append(("id", "in", self._manychat_partners_of(value)))
            elif key == "search":
                names = ("name", "email", "phone")
                domain += ["|"] * len(names)
                domain += [(name, "ilike", escape_psql(value)) for name in names]
                domain.append(("id", "in", self._manychat_partners_of([value])))
            else:
                domain.append(("id" if key == "partner_id" else key, "=", value))
        return domain

    def _manychat_partners_of(self, manychat_ids):
        rows = self.env["manychat.partner"]._of(manychat_ids, self.env.company)
        return [partner.id for partner in rows.values()]

    def _manychat_own_rows(self):
        """Return the rows of this partner in the company, the oldest first."""
        return self.manychat_partner_ids.filtered(
            lambda row: row.company_id == self.env.company
        ).sorted("id")

    def _manychat_shown(self):
        """Return what the bridge may read of this partner: no more than what it may write."""
        return {
            "partner_id": self.id,
            "manychat_ids": self._manychat_own_rows().mapped("manychat_id"),
            **{key: self[name] or None for key, name in PARTNER_TEXTS.items()},
            "state": self.state_id.name or None,
            "country": self.country_id.name or None,
            "active": self.active,
            "created_at": iso(self.create_date) if self.create_date else None,
            "updated_at": iso(self.write_date) if self.write_date else None,
        }
