-- What each part of the bridge may do in the mirror. To be run by the server's Entra administrator
-- in the mirror's database, after `python -m bridge db upgrade`; again at any time:
--
--   sqlcmd -S HOST -d miasalud -G -i deploy/sql/roles.sql
--
-- A role is given what its part needs and nothing of the server. Rights on the schema also hold for
-- the tables of later releases.

IF DATABASE_PRINCIPAL_ID('bridge_api') IS NULL CREATE ROLE bridge_api;
GO
IF DATABASE_PRINCIPAL_ID('bridge_workers') IS NULL CREATE ROLE bridge_workers;
GO
IF DATABASE_PRINCIPAL_ID('bridge_analyst') IS NULL CREATE ROLE bridge_analyst;
GO

-- The API: inbox, records, dead letters, re-pushes. It has no part in the workers' turns.
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO bridge_api;
DENY INSERT, UPDATE, DELETE ON dbo.bridge_version TO bridge_api;
DENY INSERT, UPDATE, DELETE ON dbo.[Lease] TO bridge_api;
DENY INSERT, UPDATE, DELETE ON dbo.[Feed] TO bridge_api;
DENY INSERT, UPDATE, DELETE ON dbo.[Pace] TO bridge_api;
GO

-- The workers: everything but the schema itself.
GRANT SELECT, INSERT, UPDATE, DELETE ON SCHEMA::dbo TO bridge_workers;
DENY INSERT, UPDATE, DELETE ON dbo.bridge_version TO bridge_workers;
GO

-- Whoever makes reports: people and their states, to read. Not the raw events, which hold what
-- ManyChat sent word by word.
GRANT SELECT ON dbo.[Channel] TO bridge_analyst;
GRANT SELECT ON dbo.[Campaign] TO bridge_analyst;
GRANT SELECT ON dbo.[Advisor] TO bridge_analyst;
GRANT SELECT ON dbo.[Contact] TO bridge_analyst;
GRANT SELECT ON dbo.[Contact_State] TO bridge_analyst;
GRANT SELECT ON dbo.[Contact_Assignment] TO bridge_analyst;
GRANT SELECT ON dbo.[Campaign_Contact] TO bridge_analyst;
GO
