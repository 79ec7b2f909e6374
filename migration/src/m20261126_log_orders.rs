//! Lists of logs on PostgreSQL in the orders that they may have, and by pairs of metadata that few have.
//!
//! What is not known comes last from the greatest down, which is the way that people ask. On SQLite such lists are sorted when they are
//! asked for: it is for one machine, where each index costs more than it gives.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// The expressions are those that `logstore::sort` and `logstore::filter` have.
const INDEXES: [(&str, &str); 4] = [
    ("log_cost", "(organisation_id, cost_pusd DESC NULLS LAST, id DESC)"),
    (
        "log_tokens",
        "(organisation_id, (COALESCE(input_tokens + output_tokens, input_tokens, output_tokens)) DESC NULLS LAST, id DESC)",
    ),
    ("log_latency", "(organisation_id, latency_us, id)"),
    // What waits to be put into it is read whole by every query: no more than that takes no time.
    ("log_metadata", "USING gin ((metadata::jsonb) jsonb_path_ops) WITH (gin_pending_list_limit = 1024)"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for (name, of) in INDEXES {
                let sql = format!("CREATE INDEX {name} ON log {of}");
                manager.get_connection().execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            for (name, _) in INDEXES {
                manager.get_connection().execute_unprepared(&format!("DROP INDEX {name}")).await?;
            }
        }
        Ok(())
    }
}
