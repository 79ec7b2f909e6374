//! Saved configs and their versions, keys' defaults, and what virtual keys have besides a secret.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, boolean, json_null, string, uuid, uuid_null,
};

use crate::m20261124_tenancy::{index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

const OF_VIRTUAL_KEYS: [&str; 4] = ["extras", "model_config", "models", "expires_at"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let config = Table::create()
            .table("config")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(uuid("workspace_id"))
            .col(string("slug"))
            .col(string("name"))
            .col(boolean("is_default"))
            .col(string("status"))
            .col(uuid("version_id"))
            .col(uuid_null("owner_id"))
            .col(uuid_null("updated_by"))
            .col(big_integer("created_at"))
            .col(big_integer("last_updated_at"))
            .to_owned();
        manager.create_table(config).await?;
        manager.create_index(unique("config", &["organisation_id", "slug"])).await?;
        manager.create_index(index("config", &["workspace_id", "created_at"])).await?;

        let version = Table::create()
            .table("config_version")
            .col(uuid("id").primary_key())
            .col(uuid("config_id"))
            .col(uuid("organisation_id"))
            .col(uuid("workspace_id"))
            .col(blob("content"))
            .col(uuid_null("created_by"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(version).await?;
        manager.create_index(index("config_version", &["config_id", "created_at"])).await?;

        // SQLite adds a column a statement.
        let mut columns = vec![("api_key", json_null("defaults"))];
        let [extras, model_config, models, expires_at] = OF_VIRTUAL_KEYS;
        let added =
            [blob_null(extras), json_null(model_config), json_null(models), big_integer_null(expires_at)];
        columns.extend(added.map(|column| ("virtual_key", column)));
        for (table, column) in columns {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in OF_VIRTUAL_KEYS {
            manager.alter_table(Table::alter().table("virtual_key").drop_column(column).to_owned()).await?;
        }
        manager.alter_table(Table::alter().table("api_key").drop_column("defaults").to_owned()).await?;
        for table in ["config_version", "config"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
