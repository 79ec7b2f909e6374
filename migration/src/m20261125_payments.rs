//! The payment provider: whose customers organisations are, what it was told, and what it told.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, integer, string, text_null, uuid};

use crate::m20261124_tenancy::{index, unique};

/// Tables, in the order in which they are made.
const TABLES: [&str; 3] = ["payment_customer", "payment_event", "meter_event"];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(payment_customer()).await?;
        manager.create_index(unique("payment_customer", &["stripe_customer_id"])).await?;
        manager.create_table(payment_event()).await?;
        manager.create_table(meter_event()).await?;
        manager.create_index(unique("meter_event", &["organisation_id", "month", "block"])).await?;
        manager.create_index(index("meter_event", &["acknowledged_at", "next_attempt_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.into_iter().rev() {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn payment_customer() -> TableCreateStatement {
    Table::create()
        .table("payment_customer")
        .col(uuid("organisation_id").primary_key())
        .col(string("stripe_customer_id"))
        .col(big_integer("created_at"))
        .col(big_integer_null("last_event_at"))
        .to_owned()
}

fn payment_event() -> TableCreateStatement {
    Table::create()
        .table("payment_event")
        .col(string("id").primary_key())
        .col(string("kind"))
        .col(big_integer("received_at"))
        .to_owned()
}

fn meter_event() -> TableCreateStatement {
    Table::create()
        .table("meter_event")
        .col(string("identifier").primary_key())
        .col(uuid("organisation_id"))
        .col(integer("month"))
        .col(integer("block"))
        .col(big_integer("created_at"))
        .col(integer("attempts"))
        .col(big_integer_null("first_attempt_at"))
        .col(big_integer_null("occurred_at"))
        .col(big_integer("next_attempt_at"))
        .col(big_integer_null("acknowledged_at"))
        .col(text_null("last_error"))
        .to_owned()
}
