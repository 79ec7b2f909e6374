//! What a batch adds to the statistics that outlive its logs.

use std::collections::BTreeMap;

use entity::log;
use entity::usage_hourly::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseTransaction, ExprTrait as _, IntoActiveModel};

const HOUR_MS: i64 = 3_600_000;

/// Rows a statement takes at the most: each has ten values, and SQLite takes 32,766.
const ROWS: usize = 1_000;

/// What is added up.
const SUMS: [Column; 5] =
    [Column::Logs, Column::Failed, Column::InputTokens, Column::OutputTokens, Column::CostPusd];

type Key = (Uuid, i32, Uuid, Uuid, String);

/// Sums by organisation, hour, workspace, key and model. To be saved under the lock of the organisation's meter.
#[derive(Default)]
pub(super) struct Hours(BTreeMap<Key, Model>);

impl Hours {
    pub fn of<'a>(logs: impl Iterator<Item = &'a log::Model>) -> Self {
        let mut hours = Self::default();
        logs.for_each(|log| hours.add(log));
        hours
    }

    pub fn add(&mut self, log: &log::Model) {
        let row = self.0.entry(key(log)).or_insert_with_key(
            |(organisation_id, hour, workspace_id, api_key_id, model)| Model {
                organisation_id: *organisation_id,
                hour: *hour,
                workspace_id: *workspace_id,
                api_key_id: *api_key_id,
                model: model.clone(),
                logs: 0,
                failed: 0,
                input_tokens: 0,
                output_tokens: 0,
                cost_pusd: 0,
            },
        );
        row.logs += 1;
        row.failed += i64::from(log.status_code >= 400);
        let add = |sum: &mut i64, n: Option<i64>| *sum = sum.saturating_add(Ord::max(n.unwrap_or(0), 0));
        add(&mut row.input_tokens, log.input_tokens);
        add(&mut row.output_tokens, log.output_tokens);
        add(&mut row.cost_pusd, log.cost_pusd);
    }

    pub async fn save(self, txn: &DatabaseTransaction) -> Result<(), DbErr> {
        let rows: Vec<ActiveModel> = self.0.into_values().map(IntoActiveModel::into_active_model).collect();
        for rows in rows.chunks(ROWS) {
            Entity::insert_many(rows.iter().cloned())
                .on_conflict(added())
                .exec_without_returning(txn)
                .await?;
        }
        Ok(())
    }
}

/// An hour that is there already gets the sums added to its own, up to the largest number there is: what providers and clients
/// say of tokens and costs may be anything.
fn added() -> OnConflict {
    let key = [Column::OrganisationId, Column::Hour, Column::WorkspaceId, Column::ApiKeyId, Column::Model];
    let mut conflict = OnConflict::columns(key);
    for sum in SUMS {
        let (old, new) = (Expr::col((Entity, sum)), Expr::col(("excluded", sum)));
        let is_too_much = old.clone().gt(Expr::val(i64::MAX).sub(new.clone()));
        conflict.value(sum, Expr::case(is_too_much, i64::MAX).finally(old.add(new)));
    }
    conflict
}

/// By how much costs of logs that were taken in before have changed. To be saved under the lock of the organisation's meter.
#[derive(Default)]
pub(crate) struct Corrections(BTreeMap<Key, i64>);

impl Corrections {
    /// Costs below 0 count nothing, as in [`Hours`].
    pub fn add(&mut self, log: &log::Model, new_pusd: i64) {
        let counted = |pusd: i64| Ord::max(pusd, 0);
        let sum = self.0.entry(key(log)).or_default();
        *sum = sum.saturating_add(counted(new_pusd) - counted(log.cost_pusd.unwrap_or(0)));
    }

    /// Of hours whose statistics are not kept any more, nothing is.
    pub async fn save(self, txn: &DatabaseTransaction) -> Result<(), DbErr> {
        for ((organisation, hour, workspace, api_key, model), delta) in self.0 {
            let cost = Expr::col(Column::CostPusd);
            let corrected = if delta >= 0 {
                let is_too_much = cost.clone().gt(Expr::val(i64::MAX - delta));
                Expr::case(is_too_much, i64::MAX).finally(cost.add(delta))
            } else {
                let is_too_little = cost.clone().lt(Expr::val(-delta));
                Expr::case(is_too_little, 0_i64).finally(cost.add(delta))
            };
            Entity::update_many()
                .col_expr(Column::CostPusd, corrected.into())
                .filter(Column::OrganisationId.eq(organisation))
                .filter(Column::Hour.eq(hour))
                .filter(Column::WorkspaceId.eq(workspace))
                .filter(Column::ApiKeyId.eq(api_key))
                .filter(Column::Model.eq(model))
                .exec(txn)
                .await?;
        }
        Ok(())
    }
}

/// The row that a log counts in.
fn key(log: &log::Model) -> Key {
    let hour = i32::try_from(log.created_at.div_euclid(HOUR_MS)).unwrap_or(i32::MAX);
    let (api_key_id, model) = (log.api_key_id.unwrap_or_default(), log.model.clone().unwrap_or_default());
    (log.organisation_id, hour, log.workspace_id, api_key_id, model)
}
