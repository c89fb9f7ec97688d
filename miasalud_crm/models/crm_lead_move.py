from collections import defaultdict

from odoo import models


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    def _manychat_follow(self, contacts):
        """Bring the leads of known contacts where their folds went.

        Compared with the fold, not with the lead: a changed rule moves nobody by surprise.
        """
        moves = []
        leads = self.browse(contact.lead_id for contact in contacts)
        for contact, lead in zip(contacts, leads, strict=True):
            picture = contact.picture()
            stays = picture.stage_id == contact.loaded.stage_id
            kept = picture.lost == contact.loaded.lost
            moves.append(
                (
                    lead,
                    picture._replace(
                        stage_id=None if stays else picture.stage_id,
                        lost=None if kept else bool(picture.lost),
                    ),
                )
            )
        self._manychat_move(moves)

    def _manychat_move(self, moves):
        """Bring leads to the stage and outcome of their pictures, with Odoo's own steps.

        :param list moves: pairs of lead and picture; leads that go the same way go together
        """
        self.browse().concat(
            *(lead for lead, picture in moves if picture.lost is False)
        )._manychat_restore()
        stages, lost = defaultdict(self.browse), defaultdict(self.browse)
        for lead, picture in moves:
            if picture.stage_id and picture.stage_id != lead.stage_id.id:
                stages[picture.stage_id] += lead
            if picture.lost:
                lost[picture.lost_reason_id] += lead
        # Read at once: Odoo's write asks for them one by one.
        self.env["crm.stage"].browse(stages).mapped("is_won")
        for stage_id, leads in sorted(stages.items()):
            leads.write({"stage_id": stage_id})
        for reason_id, leads in lost.items():
            leads._manychat_lose(reason_id)

    def _manychat_restore(self):
        """Take leads out of the archive; from Odoo 19 on an archived one need not be lost."""
        archived = self.filtered(lambda lead: not lead.active)
        if archived:
            getattr(archived, "action_restore", archived.action_unarchive)()

    def _manychat_lose(self, reason_id):
        standing = self.filtered("active")
        if standing:
            standing.action_set_lost(**({"lost_reason_id": reason_id} if reason_id else {}))
