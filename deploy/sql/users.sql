-- Who has which role: the managed identities of deploy/main.bicep, and the clinic's group of
-- analysts. Run after roles.sql. Where NAME is not miasalud, replace every `miasalud-` below:
-- sed "s/miasalud-/$NAME-/g" (docs/deploy.md).

IF DATABASE_PRINCIPAL_ID('miasalud-api') IS NULL CREATE USER [miasalud-api] FROM EXTERNAL PROVIDER;
GO
IF DATABASE_PRINCIPAL_ID('miasalud-workers') IS NULL CREATE USER [miasalud-workers] FROM EXTERNAL PROVIDER;
GO
IF DATABASE_PRINCIPAL_ID('miasalud-analysts') IS NULL CREATE USER [miasalud-analysts] FROM EXTERNAL PROVIDER;
GO

ALTER ROLE bridge_api ADD MEMBER [miasalud-api];
ALTER ROLE bridge_workers ADD MEMBER [miasalud-workers];
ALTER ROLE bridge_analyst ADD MEMBER [miasalud-analysts];
GO
