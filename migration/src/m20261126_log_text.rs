//! The words of prompts and answers, to find logs by.
//!
//! On PostgreSQL they are in a table that is partitioned as `log` is, with a twin for each partition that is there already. On
//! SQLite FTS5 has them without their text, by numbers of ours: a log's own `rowid` may change.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, integer, uuid};
use sea_orm_migration::sea_orm::DbBackend;

/// Words come as they are to be found, with spaces between; `ascii` leaves all that is not ASCII as it is. Where a word stands is not
/// kept.
const ON_SQLITE: &str = "
    CREATE TABLE log_text (seq INTEGER PRIMARY KEY, id uuid_text NOT NULL UNIQUE, organisation_id uuid_text NOT NULL);
    CREATE VIRTUAL TABLE log_text_fts USING fts5(words, content='', contentless_delete=1, detail=none, tokenize='ascii')";

const ON_POSTGRES: &str = "
    CREATE TABLE log_text (
      id uuid NOT NULL, organisation_id uuid NOT NULL, created_at bigint NOT NULL, retention_class smallint NOT NULL,
      words tsvector NOT NULL, PRIMARY KEY (retention_class, created_at, id)
    ) PARTITION BY LIST (retention_class);
    CREATE INDEX log_text_words ON log_text USING gin (words);
    DO $$
    DECLARE
      class record;
      day record;
    BEGIN
      FOR class IN SELECT oid, relname, pg_get_expr(relpartbound, oid) AS bound FROM pg_class
        WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'log'::regclass)
      LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF log_text %s PARTITION BY RANGE (created_at)',
          regexp_replace(class.relname, '^log', 'log_text'), class.bound);
        FOR day IN SELECT relname, pg_get_expr(relpartbound, oid) AS bound FROM pg_class
          WHERE oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = class.oid)
        LOOP
          EXECUTE format('CREATE TABLE %I PARTITION OF %I %s', regexp_replace(day.relname, '^log', 'log_text'),
            regexp_replace(class.relname, '^log', 'log_text'), day.bound);
        END LOOP;
      END LOOP;
    END $$";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let outbox = Table::create()
            .table("text_outbox")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(blob("subjects"))
            .col(integer("n"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(outbox).await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let sql = if postgres { ON_POSTGRES } else { ON_SQLITE };
        manager.get_connection().execute_unprepared(sql).await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() != DbBackend::Postgres {
            manager.drop_table(Table::drop().table("log_text_fts").to_owned()).await?;
        }
        for table in ["log_text", "text_outbox"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
