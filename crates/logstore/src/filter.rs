//! Which logs are asked for. What a filter leaves open is not looked at; what it names is all to hold.

use std::collections::BTreeMap;

use entity::log::{Column, Entity};
use sea_orm::prelude::*;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{Condition, DbBackend, ExprTrait as _, QueryFilter, QuerySelect as _, QueryTrait, Select};
use serde::{Deserialize, Serialize};

use crate::query::{since, until};
use crate::text::Search;

/// The pair of metadata that says whose a call is (2.9).
const USER: &str = "_user";

/// Logs to look for, within what a scope reaches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// When the call was received, in unix milliseconds.
    pub created_ms: Range,
    pub status_codes: Vec<i16>,
    pub providers: Vec<String>,
    pub models: Vec<String>,
    /// A provider and a model of it.
    pub provider_models: Vec<(String, String)>,
    /// By slug.
    pub virtual_keys: Vec<String>,
    /// Saved ones, by slug.
    pub configs: Vec<String>,
    /// Prompt templates that calls were made from, by slug.
    pub prompts: Vec<String>,
    pub api_key_ids: Vec<Uuid>,
    pub trace_ids: Vec<String>,
    pub span_ids: Vec<String>,
    /// What `_user` is in a log's metadata.
    pub users: Vec<String>,
    /// As `log.outcome` has them.
    pub outcomes: Vec<String>,
    /// As `log.source` has them.
    pub sources: Vec<String>,
    /// As `log.mode` has them.
    pub modes: Vec<String>,
    /// Pairs that a log has all of.
    pub metadata: BTreeMap<String, String>,
    /// In pico-dollars; a log of unknown cost is in no range.
    pub cost_pusd: Range,
    pub total_tokens: Range,
    pub input_tokens: Range,
    pub output_tokens: Range,
    pub latency_us: Range,
    /// As in the response header: `HIT`, `MISS`, …
    pub cache_statuses: Vec<String>,
    pub retries: Vec<Retry>,
    /// What prompt and answer say.
    pub text: Option<Search>,
    /// The mean of value times weight over the feedback of a log's trace; a trace without any is in no range.
    pub weighted_feedback: Span,
}

/// From `min` to `max`, both included; open where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Span {
    pub min: Option<f64>,
    pub max: Option<f64>,
}

/// From `min` to `max`, both included; open where `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    pub min: Option<i64>,
    pub max: Option<i64>,
}

/// What became of a call's retries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retry {
    NotTriggered,
    Succeeded,
    Failed,
}

impl Retry {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::NotTriggered, Self::Succeeded, Self::Failed];

    /// Its name in a query.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotTriggered => "not_triggered",
            Self::Succeeded => "success",
            Self::Failed => "failed",
        }
    }
}

impl Range {
    fn apply(self, rows: Select<Entity>, value: &SimpleExpr) -> Select<Entity> {
        rows.apply_if(self.min, |rows, min| rows.filter(value.clone().gte(min)))
            .apply_if(self.max, |rows, max| rows.filter(value.clone().lte(max)))
    }
}

impl Filter {
    /// Narrows `rows` to the logs asked for.
    pub(crate) fn apply(&self, rows: Select<Entity>, backend: DbBackend) -> Select<Entity> {
        let rows = rows.apply_if(self.created_ms.min, since).apply_if(self.created_ms.max, until);
        let rows = self.pair_up(self.ranges(self.words(rows)), backend);
        rows.apply_if(self.retry_condition(), QueryFilter::filter)
    }

    fn words(&self, rows: Select<Entity>) -> Select<Entity> {
        let rows = any_of(rows, Column::StatusCode, &self.status_codes);
        let rows = any_of(rows, Column::Provider, &self.providers);
        let rows = any_of(rows, Column::Model, &self.models);
        let rows = any_of(rows, Column::VirtualKey, &self.virtual_keys);
        let rows = any_of(rows, Column::ConfigId, &self.configs);
        let rows = any_of(rows, Column::PromptSlug, &self.prompts);
        let rows = any_of(rows, Column::ApiKeyId, &self.api_key_ids);
        let rows = any_of(rows, Column::CacheStatus, &self.cache_statuses);
        let rows = any_of(rows, Column::Outcome, &self.outcomes);
        let rows = any_of(rows, Column::Source, &self.sources);
        let rows = any_of(rows, Column::Mode, &self.modes);
        any_of(any_of(rows, Column::TraceId, &self.trace_ids), Column::SpanId, &self.span_ids)
    }

    /// That the log's trace has feedback in the range.
    pub(crate) fn feedback_condition(&self, organisation: Uuid) -> Option<SimpleExpr> {
        use entity::feedback::Column::{OrganisationId, TraceId, Value, Weight, WorkspaceId};
        let Span { min, max } = self.weighted_feedback;
        if min.is_none() && max.is_none() {
            return None;
        }
        let mean = Expr::col(Value).mul(Expr::col(Weight)).avg();
        // By the traces that have any, which are few, and not log by log.
        let traces = entity::feedback::Entity::find()
            .select_only()
            .columns([WorkspaceId, TraceId])
            .filter(OrganisationId.eq(organisation))
            .group_by(WorkspaceId)
            .group_by(TraceId)
            .apply_if(min, |traces, min| traces.having(mean.clone().gte(min)))
            .apply_if(max, |traces, max| traces.having(mean.clone().lte(max)));
        let trace = Expr::tuple([Column::WorkspaceId.into_expr(), Column::TraceId.into_expr()]);
        Some(trace.in_subquery(traces.into_query()))
    }

    fn ranges(&self, rows: Select<Entity>) -> Select<Entity> {
        let or_zero = |column: Column| Expr::col(column).if_null(0);
        let total = or_zero(Column::InputTokens).add(or_zero(Column::OutputTokens));
        let rows = self.total_tokens.apply(rows, &total);
        let rows = self.input_tokens.apply(rows, &or_zero(Column::InputTokens));
        let rows = self.output_tokens.apply(rows, &or_zero(Column::OutputTokens));
        let rows = self.cost_pusd.apply(rows, &Expr::col(Column::CostPusd));
        self.latency_us.apply(rows, &Expr::col(Column::LatencyUs))
    }

    fn pair_up(&self, rows: Select<Entity>, backend: DbBackend) -> Select<Entity> {
        let mut rows = rows;
        if !self.provider_models.is_empty() {
            let pair = |(provider, model): &(String, String)| {
                Column::Provider.eq(provider.as_str()).and(Column::Model.eq(model.as_str()))
            };
            let any = self.provider_models.iter().fold(Condition::any(), |any, one| any.add(pair(one)));
            rows = rows.filter(any);
        }
        for (key, value) in &self.metadata {
            rows = rows.filter(has_pair(key, value, backend));
        }
        if !self.users.is_empty() {
            let of = |user: &String| has_pair(USER, user, backend);
            rows = rows.filter(self.users.iter().fold(Condition::any(), |any, user| any.add(of(user))));
        }
        rows
    }

    fn retry_condition(&self) -> Option<Condition> {
        let count = Column::RetryCount;
        let state = |retry: &Retry| match retry {
            Retry::NotTriggered => count.eq(0),
            Retry::Succeeded => count.gt(0),
            Retry::Failed => count.lt(0),
        };
        let any = self.retries.iter().fold(Condition::any(), |any, retry| any.add(state(retry)));
        (!self.retries.is_empty()).then_some(any)
    }
}

fn any_of<V>(rows: Select<Entity>, column: Column, values: &[V]) -> Select<Entity>
where
    V: Clone + Into<sea_orm::Value>,
{
    match values {
        [] => rows,
        // As such SQLite knows that the order of an index is that of the rows.
        [only] => rows.filter(column.eq(only.clone())),
        _ => rows.filter(column.is_in(values.iter().cloned())),
    }
}

/// That a log's metadata has the pair. The key is a value here, never part of a path, so that no key needs escaping.
fn has_pair(key: &str, value: &str, backend: DbBackend) -> SimpleExpr {
    if backend == DbBackend::Postgres {
        let pair = serde_json::json!({key: value}).to_string();
        return Expr::cust_with_values(r#""log"."metadata"::jsonb @> $1::text::jsonb"#, [pair]);
    }
    let sql = r#"EXISTS (SELECT 1 FROM json_each("log"."metadata") AS "pair" WHERE "pair"."key" = ? AND "pair"."value" = ?)"#;
    Expr::cust_with_values(sql, [key, value])
}
