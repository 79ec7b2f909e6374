//! All that a workspace gives the calls of its keys, in one object: its metadata is a part of it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::json_null;
use sea_orm_migration::sea_orm::DbBackend;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let object = match manager.get_database_backend() {
            DbBackend::Postgres => "json_build_object('metadata', metadata)",
            _ => "json_object('metadata', json(metadata))",
        };
        let filled = format!("UPDATE workspace SET defaults = {object} WHERE metadata IS NOT NULL");
        replace(manager, "metadata", "defaults", &filled).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let filled = "UPDATE workspace SET metadata = defaults->'metadata' WHERE defaults IS NOT NULL";
        replace(manager, "defaults", "metadata", filled).await
    }
}

/// Puts a column in the place of another, which `filled` reads.
async fn replace(
    manager: &SchemaManager<'_>,
    old: &'static str,
    new: &'static str,
    filled: &str,
) -> Result<(), DbErr> {
    let workspace = || Table::alter().table("workspace").to_owned();
    manager.alter_table(workspace().add_column(json_null(new)).to_owned()).await?;
    manager.get_connection().execute_unprepared(filled).await?;
    manager.alter_table(workspace().drop_column(old).to_owned()).await
}
