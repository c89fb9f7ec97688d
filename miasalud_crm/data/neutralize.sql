-- a copy of the database must not talk to the real bridge
DELETE FROM ir_config_parameter
 WHERE key IN ('miasalud_crm.bridge_url', 'miasalud_crm.bridge_key');
