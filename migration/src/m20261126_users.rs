//! Invites, resets of passwords, the mails that tell of them, and from where a session was begun.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, binary_len, blob_null, integer, json, json_null, string, string_null,
    text_null, uuid, uuid_null,
};

use crate::m20261124_tenancy::{index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(invite()).await?;
        manager.create_index(unique("invite", &["token_hash"])).await?;
        manager.create_index(index("invite", &["organisation_id", "created_at"])).await?;
        manager.create_table(password_reset()).await?;
        manager.create_index(unique("password_reset", &["token_hash"])).await?;
        manager.create_table(mail()).await?;
        manager.create_index(index("mail", &["address", "created_at"])).await?;
        manager.create_index(index("mail", &["about"])).await?;
        // The few that are looked for every some seconds.
        let due = "CREATE INDEX mail_due ON mail (next_attempt_at) WHERE state = 'pending'";
        manager.get_connection().execute_unprepared(due).await?;
        let mut address = string_null("address");
        manager.alter_table(Table::alter().table("session").add_column(&mut address).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("session").drop_column("address").to_owned()).await?;
        for table in ["mail", "password_reset", "invite"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn invite() -> TableCreateStatement {
    Table::create()
        .table("invite")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(string("email"))
        .col(string("role"))
        .col(json("workspaces"))
        .col(json_null("key_scopes"))
        .col(binary_len("token_hash", 32))
        .col(uuid_null("invited_by"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("accepted_at"))
        .col(big_integer_null("cancelled_at"))
        .to_owned()
}

fn password_reset() -> TableCreateStatement {
    Table::create()
        .table("password_reset")
        .col(binary_len("account", 32).primary_key())
        .col(uuid_null("user_id"))
        .col(binary_len("token_hash", 32))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .to_owned()
}

fn mail() -> TableCreateStatement {
    Table::create()
        .table("mail")
        .col(uuid("id").primary_key())
        .col(uuid_null("organisation_id"))
        .col(string("kind"))
        .col(uuid("about"))
        .col(string("address"))
        .col(blob_null("sealed"))
        .col(string("state"))
        .col(integer("attempts"))
        .col(big_integer("next_attempt_at"))
        .col(text_null("last_error"))
        .col(big_integer("created_at"))
        .col(big_integer("expires_at"))
        .col(big_integer_null("sent_at"))
        .to_owned()
}
