# ruff: noqa: F401 (importing is what makes Odoo know the wizards)
from . import base_partner_merge, manychat_map_state, manychat_test_state
