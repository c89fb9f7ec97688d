-- a copy of the database must not talk to the real bridge, nor have ManyChat written to
DELETE FROM ir_config_parameter
 WHERE key IN ('miasalud_crm.bridge_url', 'miasalud_crm.bridge_key', 'miasalud_crm.write_back');
