//! Members of workspaces, what a workspace says of itself, and the two names of a person.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, json_null, string, text_null, uuid, uuid_null};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

const OF_WORKSPACES: [&str; 5] = ["description", "metadata", "status", "created_by", "last_updated_at"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let member = Table::create()
            .table("workspace_member")
            .col(uuid("workspace_id"))
            .col(uuid("user_id"))
            .col(uuid("organisation_id"))
            .col(string("role"))
            .col(big_integer("created_at"))
            .col(big_integer("last_updated_at"))
            .primary_key(Index::create().col("workspace_id").col("user_id"))
            .to_owned();
        manager.create_table(member).await?;
        manager.create_index(index("workspace_member", &["organisation_id", "user_id"])).await?;

        let [description, metadata, status, created_by, last_updated_at] = OF_WORKSPACES;
        // SQLite adds a column a statement.
        for (table, column) in [
            ("workspace", text_null(description)),
            ("workspace", json_null(metadata)),
            ("workspace", string(status).default("active").take()),
            ("workspace", uuid_null(created_by)),
            ("workspace", big_integer(last_updated_at).default(0).take()),
            ("membership", big_integer("last_updated_at").default(0).take()),
            ("users", string("first_name").default("").take()),
            ("users", string("last_name").default("").take()),
        ] {
            manager.alter_table(Table::alter().table(table).add_column(column).to_owned()).await?;
        }
        for statement in [
            "UPDATE workspace SET last_updated_at = created_at",
            "UPDATE membership SET last_updated_at = created_at",
            "UPDATE users SET first_name = name",
            // Until now a member read the default workspace.
            "INSERT INTO workspace_member (workspace_id, user_id, organisation_id, role, created_at, last_updated_at) \
             SELECT workspace.id, user_id, workspace.organisation_id, 'member', membership.created_at, membership.created_at \
             FROM membership JOIN workspace ON workspace.organisation_id = membership.organisation_id \
             WHERE workspace.is_default AND membership.role = 'member'",
        ] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        manager.alter_table(Table::alter().table("users").drop_column("name").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let name = string("name").default("").take();
        manager.alter_table(Table::alter().table("users").add_column(name).to_owned()).await?;
        let named = "UPDATE users SET name = trim(first_name || ' ' || last_name)";
        manager.get_connection().execute_unprepared(named).await?;
        let of_users = ["first_name", "last_name"].map(|column| ("users", column));
        let of_workspaces = OF_WORKSPACES.map(|column| ("workspace", column));
        for (table, column) in
            of_users.into_iter().chain(of_workspaces).chain([("membership", "last_updated_at")])
        {
            manager.alter_table(Table::alter().table(table).drop_column(column).to_owned()).await?;
        }
        manager.drop_table(Table::drop().table("workspace_member").to_owned()).await
    }
}
