//! Where the logs of a month went: by day, workspace, key and model.

use std::collections::HashMap;
use std::ops::Range;

use chrono::DateTime;
use logstore::statistics::{self, Dimension, Sum};
use plans::Month;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::logs::PUSD_A_CENT;
use crate::{Api, Error, db};

/// Rows of an answer at the most.
const MAX_ROWS: usize = 10_000;

const HOUR_MS: i64 = 3_600_000;
const DAY_S: i64 = 86_400;

/// A part of what was recorded. What it was not asked by is null.
#[derive(Serialize, ToSchema)]
pub(crate) struct Part {
    /// In UTC, as `2026-11-25`.
    day: Option<String>,
    /// The workspace's slug.
    workspace_id: Option<String>,
    /// Null too: by no key.
    api_key_id: Option<Uuid>,
    /// The key's name.
    api_key: Option<String>,
    /// Null too: not known.
    model: Option<String>,
    /// Logs recorded.
    logs: i64,
    /// Those with a status of 400 or more.
    failed: i64,
    input_tokens: i64,
    output_tokens: i64,
    /// US cents.
    cost: f64,
}

/// The parts of a month, as far as its statistics are still shown.
pub(crate) async fn parts(
    api: &Api,
    caller: &Caller,
    month: Month,
    by: &[Dimension],
) -> Result<Vec<Part>, Error> {
    let hours = shown(caller, month, api.clock.now_ms());
    let sums = statistics::sums(&api.db, &caller.scope, hours, by, MAX_ROWS as u64 + 1).await?;
    if sums.len() > MAX_ROWS {
        return Err(Error::invalid("by", format!("more than {MAX_ROWS} rows"), "less to tell apart by"));
    }
    let ids = |id: fn(&Sum) -> Option<Uuid>| sums.iter().filter_map(id);
    let workspaces = db::workspace::slugs(&api.db, &caller.scope, ids(|sum| sum.workspace_id)).await?;
    let keys = db::api_key::names(&api.db, &caller.scope, ids(|sum| sum.api_key_id)).await?;
    Ok(sums.into_iter().map(|sum| Part::of(sum, &workspaces, &keys)).collect())
}

/// The hours of the month that the plan still shows.
fn shown(caller: &Caller, month: Month, now_ms: i64) -> Range<i32> {
    let hour = |ms: i64| i32::try_from(ms.div_euclid(HOUR_MS)).unwrap_or(i32::MAX);
    let cutoff = plans::analytics_cutoff(&caller.tenant.terms, now_ms).unwrap_or(0);
    hour(month.start_ms().max(cutoff))..hour(month.end_ms())
}

impl Part {
    fn of(sum: Sum, workspaces: &HashMap<Uuid, String>, keys: &HashMap<Uuid, String>) -> Self {
        Self {
            day: sum.day.map(day),
            workspace_id: sum.workspace_id.map(|id| workspaces.get(&id).cloned().unwrap_or(id.to_string())),
            api_key_id: sum.api_key_id.filter(|id| !id.is_nil()),
            api_key: sum.api_key_id.and_then(|id| keys.get(&id).cloned()),
            model: sum.model.filter(|model| !model.is_empty()),
            logs: sum.logs,
            failed: sum.failed,
            input_tokens: whole(sum.input_tokens),
            output_tokens: whole(sum.output_tokens),
            cost: sum.cost_pusd / PUSD_A_CENT,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "saturates")]
fn whole(sum: f64) -> i64 {
    sum as i64
}

/// A day since 1970, as `2026-11-25`.
fn day(day: i64) -> String {
    DateTime::from_timestamp(day * DAY_S, 0).unwrap_or_default().date_naive().to_string()
}

/// The parts as CSV (RFC 4180), with a line of names.
pub(crate) fn csv(by: &[Dimension], parts: &[Part]) -> Result<Vec<u8>, Error> {
    let mut names: Vec<&str> = Vec::new();
    for dimension in by {
        names.extend(match dimension {
            Dimension::Day => &["day"][..],
            Dimension::Workspace => &["workspace_id"],
            Dimension::Key => &["api_key_id", "api_key"],
            Dimension::Model => &["model"],
        });
    }
    names.extend(["logs", "failed", "input_tokens", "output_tokens", "cost"]);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&names).map_err(Error::internal)?;
    for part in parts {
        let fields = serde_json::to_value(part).map_err(Error::internal)?;
        let text = |name: &&str| match &fields[*name] {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => unexecuted(text),
            value => value.to_string(),
        };
        writer.write_record(names.iter().map(text)).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(|error| Error::internal(error.into_error()))
}

/// A text that a spreadsheet does not take for a formula, as <https://owasp.org/www-community/attacks/CSV_Injection> has it: the
/// names of models are whatever callers write.
fn unexecuted(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
