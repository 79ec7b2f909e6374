//! What guardrails found of the batch's calls besides what their logs say: feedback on their traces, and results that came after
//! the log was handed over. Written with the logs, and so as often as they are: once.

use entity::{feedback, log};
use sea_orm::prelude::*;
use sea_orm::{DatabaseTransaction, ExprTrait as _, IntoActiveModel};
use serde_json::{Value, json};

use super::outbox::Outbox;
use crate::exports::Exports;

/// Rows a statement takes at the most.
const ROWS: usize = 500;

/// An opinion of a guardrail's on the trace of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Opinion {
    /// -10 to 10.
    pub value: i16,
    /// 0 to 1.
    pub weight: f64,
    /// A JSON object.
    pub metadata: Option<Value>,
}

/// What was found after a log was handed over.
#[derive(Clone, Debug, PartialEq)]
pub struct Late {
    pub log_id: Uuid,
    pub organisation_id: Uuid,
    /// As in the answer's `hook_results`: it goes to the end of what the log has.
    pub hook_results: Value,
    pub opinions: Vec<Opinion>,
}

/// Rows of feedback on their way.
#[derive(Default)]
pub(super) struct Findings(Vec<feedback::Model>);

impl Findings {
    /// The n-th feedback of a log has the log's id and n more: who reads it can tell where it is from.
    pub fn add(&mut self, log: &log::Model, first: u128, opinions: Vec<Opinion>) {
        for (n, opinion) in (first..).zip(opinions) {
            self.0.push(feedback::Model {
                id: Uuid::from_u128(log.id.as_u128().wrapping_add(n)),
                organisation_id: log.organisation_id,
                workspace_id: log.workspace_id,
                trace_id: log.trace_id.clone(),
                value: opinion.value,
                weight: opinion.weight,
                metadata: opinion.metadata,
                created_at: log.created_at,
                last_updated_at: log.created_at,
            });
        }
    }

    /// Puts what came late to its log; where there is none, it was dropped, and there is nothing to say of it.
    pub async fn add_late(&mut self, txn: &DatabaseTransaction, late: Late) -> Result<(), DbErr> {
        let Some(created_at) = clock::millis(late.log_id) else { return Ok(()) };
        let this = log::Column::Id
            .eq(late.log_id)
            .and(log::Column::CreatedAt.eq(created_at))
            .and(log::Column::OrganisationId.eq(late.organisation_id));
        let Some(row) = log::Entity::find().filter(this.clone()).one(txn).await? else { return Ok(()) };
        let results = joined(row.hook_results.clone(), &late.hook_results);
        log::Entity::update_many()
            .col_expr(log::Column::HookResults, Expr::value(results))
            .filter(this)
            .exec(txn)
            .await?;
        self.add(&row, LATE, late.opinions);
        Ok(())
    }

    pub async fn save(
        self,
        txn: &DatabaseTransaction,
        exports: &Exports,
        outbox: &mut Outbox,
    ) -> Result<(), DbErr> {
        for row in &self.0 {
            outbox.add_feedback(exports, row);
        }
        for rows in self.0.chunks(ROWS) {
            let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
            feedback::Entity::insert_many(rows).exec_without_returning(txn).await?;
        }
        Ok(())
    }
}

/// Where the ids of feedback that came late begin: past all that came with a log.
const LATE: u128 = 1 << 16;

/// The results of both, phase by phase.
fn joined(results: Option<Value>, late: &Value) -> Value {
    let mut results =
        results.unwrap_or_else(|| json!({"before_request_hooks": [], "after_request_hooks": []}));
    for phase in ["before_request_hooks", "after_request_hooks"] {
        let more = late.get(phase).and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(there) = results.get_mut(phase).and_then(Value::as_array_mut) {
            there.extend(more);
        }
    }
    results
}
