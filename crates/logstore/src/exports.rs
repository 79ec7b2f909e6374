//! What of the logs is exported: where each organisation sends them, and which each destination wants.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_lc_rs::digest;
use entity::{log, log_payload, otel_destination};
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, ExprTrait as _, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::query::times;
use crate::{Exchange, content};

/// Which logs a destination is sent: those that pass all that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SpanFilters)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Providers by their slugs; empty or null: any. So with the other lists.
    pub providers: Vec<String>,
    /// Models as they were asked for or as they answered.
    pub models: Vec<String>,
    /// What was called, as `chatComplete`.
    pub endpoints: Vec<String>,
    /// Virtual keys by their slugs.
    pub virtual_keys: Vec<String>,
    /// API keys by their ids.
    pub api_keys: Vec<String>,
    /// Pairs that a log's metadata must all have.
    pub metadata: BTreeMap<String, String>,
    /// Only calls that failed: by their status, or cut, timed out and the like.
    pub failed_only: bool,
}

/// The destinations of some organisations.
#[derive(Default)]
pub struct Exports(HashMap<Uuid, Vec<Wanted>>);

/// What a destination wants.
struct Wanted {
    destination: Uuid,
    workspace: Option<Uuid>,
    sampling: f64,
    filters: Filters,
}

impl Exports {
    /// The active destinations of these organisations: as they are now, so that what is set holds for the next batch.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn load(
        db: &impl ConnectionTrait,
        organisations: impl IntoIterator<Item = Uuid>,
    ) -> Result<Self, DbErr> {
        let organisations: BTreeSet<Uuid> = organisations.into_iter().collect();
        if organisations.is_empty() {
            return Ok(Self::default());
        }
        let rows = otel_destination::Entity::find()
            .filter(otel_destination::Column::OrganisationId.is_in(organisations))
            .filter(otel_destination::Column::Status.eq("active"))
            .order_by_asc(otel_destination::Column::Id)
            .all(db)
            .await?;
        let mut exports = Self::default();
        for row in rows {
            let Ok(filters) = serde_json::from_value(row.filters) else {
                // What a newer version filters by would else go where nobody wants it.
                tracing::error!(destination_id = %row.id, "the filters of a destination cannot be read; it gets nothing");
                continue;
            };
            let wanted =
                Wanted { destination: row.id, workspace: row.workspace_id, sampling: row.sampling, filters };
            exports.0.entry(row.organisation_id).or_default().push(wanted);
        }
        Ok(exports)
    }

    /// Where what is said of this trace goes, whichever logs it has.
    pub fn of_trace(
        &self,
        organisation: Uuid,
        workspace: Uuid,
        trace_id: &str,
    ) -> impl Iterator<Item = Uuid> {
        let all = self.0.get(&organisation).into_iter().flatten();
        all.filter(move |wanted| wanted.takes_trace(workspace, trace_id)).map(|wanted| wanted.destination)
    }

    /// Where this log goes.
    pub(crate) fn of<'a>(&'a self, log: &'a log::Model) -> impl Iterator<Item = Uuid> + 'a {
        // Spans that came by OTLP are not sent on: who sent them here may send them there, and they would go round for ever.
        let all = self.0.get(&log.organisation_id).filter(|_| log.source != "otlp");
        all.into_iter().flatten().filter(|wanted| wanted.takes(log)).map(|wanted| wanted.destination)
    }
}

impl Wanted {
    fn takes(&self, log: &log::Model) -> bool {
        self.takes_trace(log.workspace_id, &log.trace_id) && self.filters.pass(log)
    }

    fn takes_trace(&self, workspace: Uuid, trace_id: &str) -> bool {
        self.workspace.is_none_or(|wanted| wanted == workspace) && is_sampled(trace_id, self.sampling)
    }
}

impl Filters {
    /// Whether a log has all that is asked for.
    #[must_use]
    pub fn pass(&self, log: &log::Model) -> bool {
        let among = |named: &[String], value: Option<&String>| {
            named.is_empty() || value.is_some_and(|value| named.contains(value))
        };
        let has = |(name, value): (&String, &String)| {
            log.metadata.as_ref().and_then(|pairs| pairs.get(name)?.as_str()) == Some(value)
        };
        among(&self.providers, Some(&log.provider))
            && (among(&self.models, log.model.as_ref()) || among(&self.models, log.requested_model.as_ref()))
            && among(&self.endpoints, Some(&log.endpoint))
            && among(&self.virtual_keys, log.virtual_key.as_ref())
            && (self.api_keys.is_empty()
                || among(&self.api_keys, log.api_key_id.map(|id| id.to_string()).as_ref()))
            && self.metadata.iter().all(has)
            && (!self.failed_only || log.status_code >= 400 || log.outcome != "answered")
    }
}

/// Whether a trace is among this part of all: all its spans are or none, wherever and whenever that is asked.
#[expect(clippy::cast_precision_loss, reason = "a part of all is no exact number")]
fn is_sampled(trace_id: &str, part: f64) -> bool {
    if part >= 1.0 {
        return true;
    }
    let hash = digest::digest(&digest::SHA256, trace_id.to_ascii_lowercase().as_bytes());
    let first = hash.as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    first as f64 / u64::MAX as f64 <= part && part > 0.0
}

/// The logs of these ids that are there, in their order. None of another organisation.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn logs(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    ids: &[Uuid],
) -> Result<Vec<log::Model>, DbErr> {
    let Some((from, to)) = times(ids.iter().copied()) else { return Ok(Vec::new()) };
    let rows = log::Entity::find()
        .filter(log::Column::OrganisationId.eq(organisation))
        .filter(log::Column::CreatedAt.between(from, to))
        .filter(log::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    let mut rows: HashMap<Uuid, log::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// The newest logs of a workspace's trace, the oldest of them first.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn logs_of_trace(
    db: &impl ConnectionTrait,
    (organisation, workspace): (Uuid, Uuid),
    trace_id: &str,
    limit: u64,
) -> Result<Vec<log::Model>, DbErr> {
    let mut logs = log::Entity::find()
        .filter(log::Column::OrganisationId.eq(organisation))
        .filter(log::Column::WorkspaceId.eq(workspace))
        .filter(log::Column::TraceId.eq(trace_id))
        .order_by_desc(log::Column::Id)
        .limit(limit)
        .all(db)
        .await?;
    logs.reverse();
    Ok(logs)
}

/// The contents of these logs that are kept, packed, by id. They are of one organisation.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn contents(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    logs: impl Iterator<Item = &log::Model>,
) -> Result<HashMap<Uuid, Vec<u8>>, DbErr> {
    use log_payload::Column::{CreatedAt, Id, OrganisationId, RetentionClass};
    let keys: Vec<_> = logs.map(|log| (log.retention_class, log.created_at, log.id)).collect();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    // By the whole of the primary key: there is no other way to a row than through all of its day.
    let key = Expr::tuple([RetentionClass, CreatedAt, Id].map(ColumnTrait::into_expr));
    let rows = log_payload::Entity::find()
        .filter(OrganisationId.eq(organisation))
        .filter(key.in_tuples(keys))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.content)).collect())
}

/// What [`contents`] gave, unpacked; none where it is damaged.
#[must_use]
pub fn opened(id: Uuid, packed: &[u8]) -> Option<Exchange> {
    let opened = content::unpack(packed);
    opened.inspect_err(|error| tracing::error!(log_id = %id, %error, "content is not exported")).ok()
}

#[cfg(test)]
mod tests;
