//! What is thought of traces, beside their logs.

use std::collections::HashMap;

use entity::feedback::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::{DbErr, Uuid};
use serde::Serialize;
use serde_json::Value;
use tenancy::TenantScope;
use utoipa::ToSchema;

use crate::{db, instant};

/// Values that are shown of a trace in a list.
const MAX_ITEMS: u64 = 10;

/// Feedbacks that are shown with a log by itself.
const MAX_FEEDBACKS: u64 = 100;

/// What is thought of a trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub(crate) struct Opinions {
    count: i64,
    /// The mean of value times weight; null: there is no feedback.
    weighted_avg: Option<f64>,
    /// The newest 10 of them.
    items: Vec<Opinion>,
}

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
struct Opinion {
    /// -10 to 10.
    value: i16,
    /// 0 to 1.
    weight: f64,
}

/// A feedback in full.
#[derive(Serialize, ToSchema)]
pub(crate) struct Feedback {
    id: Uuid,
    /// -10 to 10.
    pub value: i16,
    /// 0 to 1.
    pub weight: f64,
    #[schema(value_type = Option<HashMap<String, Value>>)]
    pub metadata: Option<Value>,
    #[schema(format = DateTime)]
    pub created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
}

impl From<Model> for Feedback {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            value: row.value,
            weight: row.weight,
            metadata: row.metadata,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
        }
    }
}

/// What is thought of traces, by workspace and trace id.
pub(crate) struct ByTrace(HashMap<(Uuid, String), Opinions>);

impl ByTrace {
    pub fn get(&self, workspace: Uuid, trace_id: &str) -> Opinions {
        self.0.get(&(workspace, trace_id.to_owned())).cloned().unwrap_or_default()
    }
}

pub(crate) async fn of_traces(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    traces: impl Iterator<Item = String>,
) -> Result<ByTrace, DbErr> {
    let mut by_trace: HashMap<_, Opinions> = HashMap::new();
    for said in db::feedback::of_traces(db, scope, traces, MAX_ITEMS).await? {
        let of = by_trace.entry((said.workspace_id, said.trace_id)).or_default();
        (of.count, of.weighted_avg) = (said.count, Some(said.weighted_avg));
        of.items.push(Opinion { value: said.value, weight: said.weight });
    }
    Ok(ByTrace(by_trace))
}

/// The newest of a trace in a workspace.
pub(crate) async fn of_trace(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    workspace: Uuid,
    trace_id: &str,
) -> Result<Vec<Feedback>, DbErr> {
    let rows = db::feedback::of_trace(db, scope, workspace, trace_id, MAX_FEEDBACKS).await?;
    Ok(rows.into_iter().map(Feedback::from).collect())
}
