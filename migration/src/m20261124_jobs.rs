//! Leases and runs of jobs.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, json_null, string, string_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let lease = Table::create()
            .table("job_lease")
            .col(string("job").primary_key())
            .col(string("schedule"))
            .col(uuid_null("holder"))
            .col(big_integer("fencing").default(0))
            .col(big_integer("expires_at").default(0))
            .to_owned();
        manager.create_table(lease).await?;

        let run = Table::create()
            .table("job_run")
            .col(string("job"))
            .col(big_integer("scheduled_at"))
            .col(big_integer("started_at"))
            .col(big_integer_null("ended_at"))
            .col(string_null("outcome"))
            .col(json_null("counts"))
            .col(uuid("holder"))
            .col(big_integer("fencing"))
            .primary_key(Index::create().col("job").col("scheduled_at"))
            .to_owned();
        manager.create_table(run).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["job_run", "job_lease"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
