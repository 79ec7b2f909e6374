//! Lists that find little, in milliseconds.
//!
//! On PostgreSQL a BRIN has, for each stretch of logs as they lie, what lists are narrowed by, so that a stretch without it is
//! passed over. It costs an append next to nothing: a stretch is summed up when it is vacuumed.
//!
//! SQLite goes by a trace only where that index has the order of a list as well.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

use crate::m20261124_tenancy::index;

/// Different values in a stretch of some hundred logs; with more, it is looked into more often than need be.
const DISTINCT: u16 = 100;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            return db.execute_unprepared(&words()).await.map(|_| ());
        }
        manager.create_index(index("log", &["organisation_id", "trace_id", "id"])).await?;
        db.execute_unprepared("DROP INDEX log_organisation_id_trace_id").await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if manager.get_database_backend() == DbBackend::Postgres {
            return db.execute_unprepared("DROP INDEX log_words").await.map(|_| ());
        }
        manager.create_index(index("log", &["organisation_id", "trace_id"])).await?;
        db.execute_unprepared("DROP INDEX log_organisation_id_trace_id_id").await.map(|_| ())
    }
}

/// The columns and expressions are those that `logstore::filter` asks for.
fn words() -> String {
    let words = [
        ("workspace_id", "uuid"),
        ("api_key_id", "uuid"),
        ("status_code", "int2"),
        ("provider", "text"),
        ("model", "text"),
        ("virtual_key", "text"),
        ("cache_status", "text"),
    ];
    let words =
        words.map(|(column, of)| format!("{column} {of}_bloom_ops (n_distinct_per_range = {DISTINCT})"));
    let (input, output) = ("COALESCE(input_tokens, 0)", "COALESCE(output_tokens, 0)");
    format!(
        "CREATE INDEX log_words ON log USING brin ({}, retry_count, cost_pusd, latency_us, ({input}), ({output}),
           ({input} + {output})) WITH (pages_per_range = 32)",
        words.join(", ")
    )
}
