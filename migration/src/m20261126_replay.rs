//! Which log a call repeats, and the prompt template that a call was made from.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{string_null, uuid_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [&str; 4] = ["replay_of", "prompt_id", "prompt_version_id", "prompt_slug"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds a column a statement.
        let [replay_of, prompt_id, version_id, slug] = COLUMNS;
        for column in [uuid_null(replay_of), uuid_null(prompt_id), uuid_null(version_id), string_null(slug)] {
            manager.alter_table(Table::alter().table("log").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.alter_table(Table::alter().table("log").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
