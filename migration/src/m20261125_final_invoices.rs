//! A final invoice is never changed and never deleted, whoever tries: the database itself refuses.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

const ON_SQLITE: &str = "
    CREATE TRIGGER invoice_final_update BEFORE UPDATE ON invoice WHEN OLD.status = 'final'
    BEGIN SELECT RAISE(ABORT, 'a final invoice is never changed'); END;
    CREATE TRIGGER invoice_final_delete BEFORE DELETE ON invoice WHEN OLD.status = 'final'
    BEGIN SELECT RAISE(ABORT, 'a final invoice is never deleted'); END;";

const ON_POSTGRES: &str = "
    CREATE FUNCTION invoice_final() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'a final invoice is never changed and never deleted' USING ERRCODE = '23000';
    END $$;
    CREATE TRIGGER invoice_final BEFORE UPDATE OR DELETE ON invoice
        FOR EACH ROW WHEN (OLD.status = 'final') EXECUTE FUNCTION invoice_final();
    CREATE TRIGGER invoice_final_all BEFORE TRUNCATE ON invoice EXECUTE FUNCTION invoice_final();";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DatabaseBackend::Postgres => ON_POSTGRES,
            _ => ON_SQLITE,
        };
        manager.get_connection().execute_unprepared(sql).await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DatabaseBackend::Postgres => "DROP FUNCTION invoice_final() CASCADE",
            _ => "DROP TRIGGER invoice_final_update; DROP TRIGGER invoice_final_delete;",
        };
        manager.get_connection().execute_unprepared(sql).await.map(|_| ())
    }
}
