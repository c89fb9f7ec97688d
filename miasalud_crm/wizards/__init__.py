# ruff: noqa: F401 (importing is what makes Odoo know the wizards)
from . import manychat_map_state, manychat_test_state
