//! Sessions of people, the keys that sign their access tokens, and failed attempts to sign in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary_len, blob, integer, string, string_null, uuid,
};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let session = Table::create()
            .table("session")
            .col(uuid("id").primary_key())
            .col(uuid("user_id"))
            .col(uuid("organisation_id"))
            .col(binary_len("family_hash", 32).unique_key())
            .col(binary_len("refresh_hash", 32))
            .col(big_integer("created_at"))
            .col(big_integer("last_used_at"))
            .col(big_integer("expires_at"))
            .col(big_integer_null("revoked_at"))
            .col(string_null("user_agent"))
            .to_owned();
        manager.create_table(session).await?;
        manager.create_index(index("session", &["user_id"])).await?;
        manager.create_index(index("session", &["expires_at"])).await?;

        let signing_key = Table::create()
            .table("signing_key")
            .col(string("kid").primary_key())
            .col(binary_len("public_key", 32))
            .col(blob("private_key"))
            .col(big_integer("created_at"))
            .col(big_integer("retires_at"))
            .to_owned();
        manager.create_table(signing_key).await?;

        let attempt = Table::create()
            .table("sign_in_attempt")
            .col(binary_len("account", 32).primary_key())
            .col(integer("failures"))
            .col(big_integer("next_at"))
            .to_owned();
        manager.create_table(attempt).await?;
        manager.create_index(index("sign_in_attempt", &["next_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["sign_in_attempt", "signing_key", "session"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
