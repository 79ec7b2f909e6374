//! From where a change was asked for, beside who made it.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{small_integer_null, string_null, uuid_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

fn columns() -> [ColumnDef; 8] {
    [
        uuid_null("workspace_id"),
        string_null("method"),
        string_null("uri"),
        string_null("query"),
        string_null("request_id"),
        string_null("client_ip"),
        string_null("user_agent"),
        small_integer_null("response_status"),
    ]
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds a column a statement.
        for column in columns() {
            manager.alter_table(Table::alter().table("audit_entry").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in columns() {
            let name = column.get_column_name().clone();
            manager.alter_table(Table::alter().table("audit_entry").drop_column(name).to_owned()).await?;
        }
        Ok(())
    }
}
