//! Where an organisation's logs and what is thought of them go as spans, and which are on their way.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, boolean, double, integer, json, string, text, text_null, uuid,
    uuid_null,
};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(otel_destination()).await?;
        manager.create_index(index("otel_destination", &["organisation_id"])).await?;
        let outbox = Table::create()
            .table("otel_outbox")
            .col(uuid("id").primary_key())
            .col(uuid("destination_id"))
            .col(uuid("organisation_id"))
            .col(string("kind"))
            .col(blob("subjects"))
            .col(integer("n"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(outbox).await?;
        // Has all that is asked of the rows of every destination at once, so that the rows themselves are not read for it.
        manager.create_index(index("otel_outbox", &["destination_id", "created_at", "n"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["otel_outbox", "otel_destination"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn otel_destination() -> TableCreateStatement {
    Table::create()
        .table("otel_destination")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(uuid_null("workspace_id"))
        .col(string("name"))
        .col(text("endpoint"))
        .col(string("protocol"))
        .col(blob("headers"))
        .col(json("header_hints"))
        .col(double("sampling"))
        .col(json("filters"))
        .col(boolean("content"))
        .col(boolean("metrics"))
        .col(json("resource"))
        .col(string("flavour"))
        .col(string("status"))
        .col(big_integer("created_at"))
        .col(big_integer("last_updated_at"))
        .col(integer("attempts"))
        .col(big_integer("next_attempt_at"))
        .col(big_integer_null("last_attempt_at"))
        .col(big_integer_null("last_success_at"))
        .col(text_null("last_error"))
        .col(big_integer("sent"))
        .col(big_integer("rejected"))
        .col(big_integer("dropped"))
        .to_owned()
}
