//! Where an organisation wants its logs to be sent as spans, and how that goes.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "otel_destination")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Whose logs; null: those of all workspaces.
    pub workspace_id: Option<Uuid>,
    pub name: String,
    pub endpoint: String,
    /// `http/protobuf`, `http/json` or `grpc`.
    pub protocol: String,
    /// A JSON object of strings, sealed with the organisation and row id as context.
    pub headers: Vec<u8>,
    /// An object of the headers' names, with what is shown of their values.
    pub header_hints: Json,
    /// Of all traces, from 0 to 1.
    pub sampling: f64,
    /// As `logstore::exports::Filters`.
    pub filters: Json,
    pub content: bool,
    pub metrics: bool,
    /// An object of strings.
    pub resource: Json,
    /// `gen_ai`.
    pub flavour: String,
    /// `active` or `paused`.
    pub status: String,
    pub created_at: i64,
    pub last_updated_at: i64,
    /// Failed ones since the last that did not.
    pub attempts: i32,
    pub next_attempt_at: i64,
    pub last_attempt_at: Option<i64>,
    pub last_success_at: Option<i64>,
    /// Why the last attempt was no success, or what it was warned of.
    pub last_error: Option<String>,
    /// Logs that were acknowledged.
    pub sent: i64,
    /// Spans that the receiver has refused of batches that it acknowledged.
    pub rejected: i64,
    /// Logs that were given up.
    pub dropped: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
