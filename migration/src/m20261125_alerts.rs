//! Where an organisation's alerts go: its webhooks, and what became of each delivery.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, blob, blob_null, integer, integer_null, json, string, text, text_null,
    uuid, uuid_null,
};

use crate::m20261124_tenancy::{index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut announced = big_integer_null("announced_at");
        manager.alter_table(Table::alter().table("alert").add_column(&mut announced).to_owned()).await?;
        manager.create_index(index("alert", &["organisation_id", "created_at"])).await?;
        manager.create_table(webhook_endpoint()).await?;
        manager.create_index(index("webhook_endpoint", &["organisation_id"])).await?;
        manager.create_table(alert_delivery()).await?;
        manager.create_index(unique("alert_delivery", &["alert_id", "destination"])).await?;
        manager.create_index(index("alert_delivery", &["endpoint_id", "created_at"])).await?;
        let db = manager.get_connection();
        // Of all that was ever raised and sent these are the few that are looked for every some seconds.
        let open = [
            "CREATE INDEX alert_unannounced ON alert (created_at) WHERE announced_at IS NULL",
            "CREATE INDEX alert_delivery_due ON alert_delivery (next_attempt_at) WHERE state = 'pending'",
        ];
        for sql in open {
            db.execute_unprepared(sql).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["alert_delivery", "webhook_endpoint"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        let db = manager.get_connection();
        for index in ["alert_unannounced", "alert_organisation_id_created_at"] {
            db.execute_unprepared(&format!("DROP INDEX {index}")).await?;
        }
        let drop = Table::alter().table("alert").drop_column("announced_at").to_owned();
        manager.alter_table(drop).await
    }
}

fn webhook_endpoint() -> TableCreateStatement {
    Table::create()
        .table("webhook_endpoint")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(text("url"))
        .col(json("events"))
        .col(blob("secret"))
        .col(blob_null("former_secret"))
        .col(big_integer_null("former_until"))
        .col(string("status"))
        .col(big_integer("created_at"))
        .col(big_integer("last_updated_at"))
        .to_owned()
}

fn alert_delivery() -> TableCreateStatement {
    Table::create()
        .table("alert_delivery")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(uuid_null("alert_id"))
        .col(string("destination"))
        .col(uuid_null("endpoint_id"))
        .col(string("state"))
        .col(integer("attempts"))
        .col(big_integer("next_attempt_at"))
        .col(big_integer_null("last_attempt_at"))
        .col(integer_null("last_status"))
        .col(text_null("last_error"))
        .col(big_integer("created_at"))
        .col(big_integer_null("delivered_at"))
        .to_owned()
}
