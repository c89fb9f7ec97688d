-- The job that migrates the mirror: tables and their content, and nobody's rights. To be run first,
-- in the empty database, by the server's Entra administrator:
--
--   sqlcmd -S HOST -d miasalud -G -i deploy/sql/migrations.sql
--
-- The user is the managed identity of deploy/main.bicep. Where NAME is not miasalud, replace every
-- `miasalud-` below: sed "s/miasalud-/$NAME-/g" (docs/deploy.md).

IF DATABASE_PRINCIPAL_ID('bridge_migrations') IS NULL CREATE ROLE bridge_migrations;
GO
IF DATABASE_PRINCIPAL_ID('miasalud-migrate') IS NULL CREATE USER [miasalud-migrate] FROM EXTERNAL PROVIDER;
GO

ALTER ROLE db_ddladmin ADD MEMBER bridge_migrations;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON SCHEMA::dbo TO bridge_migrations;
ALTER ROLE bridge_migrations ADD MEMBER [miasalud-migrate];
GO
