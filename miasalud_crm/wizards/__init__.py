from . import manychat_map_state  # noqa: F401 (importing is what makes Odoo know it)
