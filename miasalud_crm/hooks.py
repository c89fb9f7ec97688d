"""What data files cannot do for two series of Odoo at once."""

from .const import SHIPPED_STATES
from .models.res_config_settings import FALLBACK_PARAM, TEAM_PARAM

MODULE = "miasalud_crm"


def post_init_hook(env):
    """Make the stages and rules of the shipped table; later updates leave them alone."""
    team = env.ref(f"{MODULE}.team_manychat")
    stages = _ship_stages(env, team)
    _ship_rules(env, stages)
    parameters = env["ir.config_parameter"].sudo()
    for name, record in ((TEAM_PARAM, team), (FALLBACK_PARAM, stages[SHIPPED_STATES[0].key])):
        if not parameters.get_param(name):
            parameters.set_param(name, str(record.id))
    _ship_group(env)


def uninstall_hook(env):
    """Leave leads where they stand, and no secret behind.

    A pipeline that holds leads stays as if somebody had made it: Odoo would delete its team.
    """
    shipped = env["ir.model.data"].search(
        [("module", "=", MODULE), ("model", "in", ("crm.team", "crm.stage", "mail.alias"))]
    )
    by_model = shipped.grouped("model")
    in_use = [
        (field, "in", by_model[model].mapped("res_id"))
        for field, model in (("team_id", "crm.team"), ("stage_id", "crm.stage"))
        if model in by_model
    ]
    leads = env["crm.lead"].with_context(active_test=False)
    if any(leads.search_count([term], limit=1) for term in in_use):
        shipped.unlink()
    env["ir.config_parameter"].search([("key", "=like", f"{MODULE}.%")]).unlink()


def _ship_stages(env, team):
    """Return the team's stages by key, behind every existing stage.

    A stage without team and of low sequence would switch off lead scoring for everyone.
    """
    Stage = env["crm.stage"]
    last = Stage.search([], order="sequence desc", limit=1).sequence
    owner = Stage._manychat_team_field()
    teams = team.id if owner == "team_id" else [(6, 0, team.ids)]
    stages = {}
    for number, state in enumerate((s for s in SHIPPED_STATES if s.action == "stage"), start=1):
        vals = {"name": state.name, "sequence": last + number, "is_won": state.won, owner: teams}
        stages[state.key] = _ship(env, "crm.stage", f"stage_{state.key}", vals)
    return stages


def _ship_rules(env, stages):
    for number, state in enumerate(SHIPPED_STATES, start=1):
        for copy, name in enumerate((state.name, *state.also)):
            vals = {
                "manychat_state": name,
                "sequence": number * 10 + copy,
                "action": state.action,
                "stage_id": stages[state.key].id if state.key in stages else False,
                "date_field": state.date_field or False,
            }
            suffix = f"_{copy}" if copy else ""
            _ship(env, "manychat.stage.mapping", f"mapping_{state.key}{suffix}", vals)


def _ship_group(env):
    """Show the manager's group in the user form: a privilege from Odoo 19 on, else a category."""
    group = env.ref(f"{MODULE}.group_manager")
    category = env.ref(f"{MODULE}.module_category_manychat")
    if "privilege_id" in group._fields:
        vals = {"name": "ManyChat", "category_id": category.parent_id.id}
        group.privilege_id = _ship(env, "res.groups.privilege", "privilege_manychat", vals)
    else:
        group.category_id = category


def _ship(env, model, name, vals):
    """Return the record of an XML id, made where it is missing."""
    xml_id = f"{MODULE}.{name}"
    record = env.ref(xml_id, raise_if_not_found=False)
    if not record:
        record = env[model].create(vals)
        env["ir.model.data"]._update_xmlids(
            [{"xml_id": xml_id, "record": record, "noupdate": True}]
        )
    return record
