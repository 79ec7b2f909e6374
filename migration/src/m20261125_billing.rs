//! What an organisation owes and how it came to that: plans over time, blocks of overage, credits, invoices; what it has used,
//! hour by hour; what it was alerted to, and who changed what.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, integer, integer_null, json, string, string_null, text, uuid, uuid_null,
};

use crate::m20261124_tenancy::{index, unique};

/// Tables, in the order in which they are made.
const TABLES: [&str; 8] = [
    "plan_period",
    "overage_block",
    "usage_hourly",
    "credit",
    "invoice",
    "invoice_number",
    "alert",
    "audit_entry",
];

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in organisation_columns() {
            let add = Table::alter().table("organisation").add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        manager.create_table(plan_period()).await?;
        manager.create_table(overage_block()).await?;
        manager.create_table(usage_hourly()).await?;
        manager.create_table(credit()).await?;
        manager.create_index(index("credit", &["organisation_id", "created_at"])).await?;
        manager.create_table(invoice()).await?;
        manager.create_index(unique("invoice", &["organisation_id", "month"])).await?;
        manager.create_table(invoice_number()).await?;
        manager.create_table(alert()).await?;
        let once = ["organisation_id", "kind", "subject", "period", "threshold"];
        manager.create_index(unique("alert", &once)).await?;
        manager.create_table(audit_entry()).await?;
        manager.create_index(index("audit_entry", &["organisation_id", "created_at"])).await?;
        let db = manager.get_connection();
        db.execute_unprepared("INSERT INTO invoice_number (id, last) VALUES (1, 0)").await?;
        // Whoever was here before has always been on the plan they have now.
        db.execute_unprepared(
            "INSERT INTO plan_period (organisation_id, from_ms, plan, overrides)
             SELECT id, created_at, plan, overrides FROM organisation",
        )
        .await
        .map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES.into_iter().rev() {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        for column in organisation_columns() {
            let name = column.get_column_name().clone();
            let drop = Table::alter().table("organisation").drop_column(name).to_owned();
            manager.alter_table(drop).await?;
        }
        Ok(())
    }
}

fn organisation_columns() -> [ColumnDef; 8] {
    [
        string_null("next_plan"),
        ColumnDef::new("next_overrides").json().to_owned(),
        big_integer_null("next_plan_at"),
        string("over_quota").default("pass").to_owned(),
        big_integer_null("cap_blocks"),
        big_integer_null("cap_cents"),
        string("standing").default("good").to_owned(),
        big_integer_null("standing_since"),
    ]
}

fn plan_period() -> TableCreateStatement {
    Table::create()
        .table("plan_period")
        .col(uuid("organisation_id"))
        .col(big_integer("from_ms"))
        .col(string("plan"))
        .col(json("overrides"))
        .primary_key(Index::create().col("organisation_id").col("from_ms"))
        .to_owned()
}

fn overage_block() -> TableCreateStatement {
    Table::create()
        .table("overage_block")
        .col(uuid("organisation_id"))
        .col(integer("month"))
        .col(integer("block"))
        .col(big_integer("opened_at"))
        .col(big_integer("used_at_opening"))
        .col(big_integer("first_log"))
        .col(big_integer("last_log"))
        .col(big_integer("price_cents"))
        .col(string("catalogue_version"))
        .col(uuid_null("invoice_id"))
        .primary_key(Index::create().col("organisation_id").col("month").col("block"))
        .to_owned()
}

fn usage_hourly() -> TableCreateStatement {
    Table::create()
        .table("usage_hourly")
        .col(uuid("organisation_id"))
        .col(integer("hour"))
        .col(uuid("workspace_id"))
        .col(uuid("api_key_id"))
        .col(string("model"))
        .col(big_integer("logs"))
        .col(big_integer("failed"))
        .col(big_integer("input_tokens"))
        .col(big_integer("output_tokens"))
        .col(big_integer("cost_pusd"))
        .primary_key(
            Index::create()
                .col("organisation_id")
                .col("hour")
                .col("workspace_id")
                .col("api_key_id")
                .col("model"),
        )
        .to_owned()
}

fn credit() -> TableCreateStatement {
    Table::create()
        .table("credit")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(big_integer("amount_cents"))
        .col(text("reason"))
        .col(string("made_by"))
        .col(big_integer("created_at"))
        .col(uuid_null("invoice_id"))
        .to_owned()
}

fn invoice() -> TableCreateStatement {
    Table::create()
        .table("invoice")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(integer("month"))
        .col(string("status"))
        .col(integer_null("number").unique_key())
        .col(string("catalogue_version"))
        .col(big_integer("total_cents"))
        .col(json("document"))
        .col(big_integer("drafted_at"))
        .col(big_integer_null("finalised_at"))
        .to_owned()
}

fn invoice_number() -> TableCreateStatement {
    Table::create().table("invoice_number").col(integer("id").primary_key()).col(integer("last")).to_owned()
}

fn alert() -> TableCreateStatement {
    Table::create()
        .table("alert")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(string("kind"))
        .col(string("subject"))
        .col(string("period"))
        .col(integer("threshold"))
        .col(json("data"))
        .col(big_integer("created_at"))
        .to_owned()
}

fn audit_entry() -> TableCreateStatement {
    Table::create()
        .table("audit_entry")
        .col(uuid("id").primary_key())
        .col(uuid("organisation_id"))
        .col(big_integer("created_at"))
        .col(string("actor"))
        .col(string("action"))
        .col(string_null("subject"))
        .col(json("change"))
        .to_owned()
}
