//! Organisations, workspaces, users, API keys and virtual keys.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary_len, blob, boolean, json, string, text_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let organisation = Table::create()
            .table("organisation")
            .col(uuid("id").primary_key())
            .col(string("name"))
            .col(string("plan"))
            .col(json("overrides"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(organisation).await?;

        let workspace = Table::create()
            .table("workspace")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(string("slug"))
            .col(string("name"))
            .col(boolean("is_default"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(workspace).await?;
        manager.create_index(unique("workspace", &["organisation_id", "slug"])).await?;

        let users = Table::create()
            .table("users")
            .col(uuid("id").primary_key())
            .col(string("email").unique_key())
            .col(string("name"))
            .col(string("password_hash"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(users).await?;

        let membership = Table::create()
            .table("membership")
            .col(uuid("organisation_id"))
            .col(uuid("user_id"))
            .col(string("role"))
            .col(big_integer("created_at"))
            .primary_key(Index::create().col("organisation_id").col("user_id"))
            .to_owned();
        manager.create_table(membership).await?;

        manager.create_table(api_key()).await?;
        manager.create_index(index("api_key", &["organisation_id", "created_at"])).await?;
        manager.create_table(virtual_key()).await?;
        manager.create_index(unique("virtual_key", &["organisation_id", "slug"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["virtual_key", "api_key", "membership", "users", "workspace", "organisation"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn api_key() -> TableCreateStatement {
    Table::create()
        .table("api_key")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(uuid_null("workspace_id"))
        .col(uuid_null("user_id"))
        .col(string("kind"))
        .col(string("name"))
        .col(text_null("description"))
        .col(binary_len("hash", 32).unique_key())
        .col(string("hint"))
        .col(json("scopes"))
        .col(string("status"))
        .col(big_integer_null("expires_at"))
        .col(big_integer("created_at"))
        .col(big_integer("last_updated_at"))
        .to_owned()
}

fn virtual_key() -> TableCreateStatement {
    Table::create()
        .table("virtual_key")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(uuid("workspace_id"))
        .col(string("slug"))
        .col(string("name"))
        .col(string("provider"))
        .col(blob("secret"))
        .col(string("hint"))
        .col(text_null("custom_host"))
        .col(text_null("note"))
        .col(string("status"))
        .col(big_integer("created_at"))
        .col(big_integer("last_updated_at"))
        .to_owned()
}

/// An index named for its table and columns.
pub(crate) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(format!("{table}_{}", columns.join("_"))).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

/// The same, refusing duplicates.
pub(crate) fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().to_owned()
}
