//! API keys with two secrets for a while, whose rotation comes due, and who is told of it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer_null, blob_null, json_null, uuid_null};

use crate::m20261124_tenancy::{index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

fn columns() -> [ColumnDef; 6] {
    [
        blob_null("former_hash"),
        big_integer_null("former_until"),
        json_null("rotation_policy"),
        big_integer_null("next_rotation_at"),
        json_null("alert_emails"),
        uuid_null("created_by"),
    ]
}

fn indices() -> [IndexCreateStatement; 3] {
    [
        unique("api_key", &["former_hash"]),
        index("api_key", &["next_rotation_at"]),
        index("api_key", &["organisation_id", "user_id"]),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds a column a statement.
        for column in columns() {
            manager.alter_table(Table::alter().table("api_key").add_column(column).to_owned()).await?;
        }
        for index in indices() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in ["former_hash", "next_rotation_at", "organisation_id_user_id"] {
            let name = format!("api_key_{name}");
            manager.drop_index(Index::drop().name(name).table("api_key").to_owned()).await?;
        }
        for column in columns() {
            let name = column.get_column_name().clone();
            manager.alter_table(Table::alter().table("api_key").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
