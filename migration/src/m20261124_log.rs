//! Logs, their content, the month's meter and the shipping marks.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, boolean, integer, json_null, small_integer, string, string_null,
    text, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::DbBackend;

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        create_partitioned(manager, log(backend)).await?;
        // The list and retention walk an organisation by id, which is by time.
        manager.create_index(index("log", &["organisation_id", "id"])).await?;
        manager.create_index(index("log", &["organisation_id", "trace_id"])).await?;

        let payload = Table::create()
            .table("log_payload")
            .col(uuid("id"))
            .col(uuid("organisation_id"))
            .col(big_integer("created_at"))
            .col(small_integer("retention_class"))
            .col(blob("content"))
            .primary_key(&mut key(backend))
            .to_owned();
        create_partitioned(manager, payload).await?;
        if backend == DbBackend::Postgres {
            // It is compressed already.
            let sql = "ALTER TABLE log_payload ALTER COLUMN content SET STORAGE EXTERNAL";
            manager.get_connection().execute_unprepared(sql).await?;
        }

        let external_id = Table::create()
            .table("log_external_id")
            .col(uuid("organisation_id"))
            .col(string("external_id"))
            .col(uuid("log_id"))
            .primary_key(Index::create().col("organisation_id").col("external_id"))
            .to_owned();
        manager.create_table(external_id).await?;
        manager.create_index(index("log_external_id", &["organisation_id", "log_id"])).await?;

        manager.create_table(usage()).await?;

        let mark = Table::create()
            .table("spool_mark")
            .col(uuid("segment").primary_key())
            .col(big_integer("next"))
            .col(big_integer("updated_at"))
            .to_owned();
        manager.create_table(mark).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["spool_mark", "usage", "log_external_id", "log_payload", "log"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

/// The id; on PostgreSQL behind the columns that say which partition a row is in.
fn key(backend: DbBackend) -> IndexCreateStatement {
    let mut key = Index::create();
    if backend == DbBackend::Postgres {
        key.col("retention_class").col("created_at");
    }
    key.col("id").to_owned()
}

/// A table that is partitioned on PostgreSQL, by retention class at first. What is below that, `logstore::partitions` makes.
async fn create_partitioned(manager: &SchemaManager<'_>, table: TableCreateStatement) -> Result<(), DbErr> {
    if manager.get_database_backend() != DbBackend::Postgres {
        return manager.create_table(table).await;
    }
    let sql = format!("{} PARTITION BY LIST (retention_class)", table.to_string(PostgresQueryBuilder));
    manager.get_connection().execute_unprepared(&sql).await.map(|_| ())
}

fn log(backend: DbBackend) -> TableCreateStatement {
    Table::create()
        .table("log")
        .col(uuid("id"))
        .col(uuid("organisation_id"))
        .col(uuid("workspace_id"))
        .col(uuid_null("api_key_id"))
        .col(big_integer("created_at"))
        .col(small_integer("retention_class"))
        .col(string("source"))
        .col(string("endpoint"))
        .col(string("method"))
        .col(text("url"))
        .col(string("provider"))
        .col(string_null("model"))
        .col(string_null("requested_model"))
        .col(string_null("virtual_key"))
        .col(string("trace_id"))
        .col(string_null("span_id"))
        .col(string_null("span_name"))
        .col(string_null("parent_span_id"))
        .col(json_null("metadata"))
        .col(small_integer("status_code"))
        .col(string("outcome"))
        .col(boolean("streamed"))
        .col(big_integer_null("input_tokens"))
        .col(big_integer_null("output_tokens"))
        .col(big_integer_null("cached_input_tokens"))
        .col(big_integer_null("cache_write_tokens"))
        .col(big_integer_null("reasoning_tokens"))
        .col(boolean("tokens_estimated"))
        .col(big_integer_null("cost_pusd"))
        .col(string_null("prices_version"))
        .col(big_integer("latency_us"))
        .col(big_integer_null("first_byte_us"))
        .col(string("cache_status"))
        .col(small_integer("retry_count"))
        .col(string("mode"))
        .col(string("option_path"))
        .col(string("payload"))
        .col(string_null("external_id"))
        .primary_key(&mut key(backend))
        .to_owned()
}

fn usage() -> TableCreateStatement {
    Table::create()
        .table("usage")
        .col(uuid("organisation_id"))
        .col(integer("month"))
        .col(big_integer("used").default(0))
        .col(big_integer("dropped").default(0))
        .col(big_integer("unrecorded").default(0))
        .col(big_integer("expired").default(0))
        .col(big_integer("overage_blocks").default(0))
        .col(big_integer("updated_at"))
        .primary_key(Index::create().col("organisation_id").col("month"))
        .to_owned()
}
