//! How a group chooses.

use std::time::Duration;

use serde_json::Value;

use super::reading::{Object, Reading};
use super::{as_object, named, query};
use crate::condition::{Condition, Field};
use crate::config::{Node, Sticky, Strategy};

/// Conditions of one strategy.
const MAX_CONDITIONS: usize = 50;
/// How long a sticky draw holds where the config does not say (contract 2).
const STICKY_TTL_S: u64 = 3600;
/// A month.
const MAX_STICKY_TTL_S: u64 = 31 * 24 * 3600;

/// None only where a mistake was told.
pub(super) fn read(reading: &mut Reading, group: &Object<'_>, targets: &[Node]) -> Option<Strategy> {
    let path = group.path("strategy");
    let Some(strategy) = as_object(reading, group, "strategy") else {
        if !group.has("strategy") {
            reading.mistake(&path, "must be given: targets need one, e.g. {\"mode\":\"fallback\"}");
        }
        return None;
    };
    match strategy.get("mode").and_then(Value::as_str) {
        Some("single") => Some(Strategy::Single),
        Some("fallback") => Some(Strategy::Fallback { on: reading.statuses(&strategy, "on_status_codes") }),
        Some("loadbalance") => Some(Strategy::LoadBalance { sticky: sticky(reading, &strategy) }),
        Some("conditional") => conditional(reading, &strategy, targets),
        _ => {
            reading.mistake(&strategy.path("mode"), "must be single, fallback, loadbalance or conditional");
            None
        }
    }
}

fn conditional(reading: &mut Reading, strategy: &Object<'_>, targets: &[Node]) -> Option<Strategy> {
    let path = strategy.path("conditions");
    let Some(list) = reading.list(strategy, "conditions", MAX_CONDITIONS) else {
        if !strategy.has("conditions") {
            reading.mistake(&path, "must be an array of {query, then}");
        }
        return None;
    };
    let conditions = list.iter().enumerate().filter_map(|(at, value)| {
        let condition = reading.object(value, &format!("{path}[{at}]"))?;
        let then = position(reading, &condition, "then", targets);
        let query_path = condition.path("query");
        if !condition.has("query") {
            let problem = "must be an object such as {\"metadata.tier\":{\"$eq\":\"paid\"}}";
            reading.mistake(&query_path, problem);
        }
        let query = condition.get("query").and_then(|value| query::read(reading, value, &query_path, 0));
        let query = query?;
        reading.reads_params |= query.reads_params();
        Some(Condition { query, then: then? })
    });
    let conditions = conditions.collect();
    let default =
        if strategy.has("default") { position(reading, strategy, "default", targets) } else { None };
    Some(Strategy::Conditional { conditions, default })
}

/// The position of the target that a field names.
fn position(reading: &mut Reading, object: &Object<'_>, field: &str, targets: &[Node]) -> Option<usize> {
    if !object.has(field) {
        reading.mistake(&object.path(field), "must be the name of one of this strategy's targets");
        return None;
    }
    let name = reading.text(object, field, 256)?;
    named(targets, &name).map_err(|problem| reading.mistake(&object.path(field), problem)).ok()
}

fn sticky(reading: &mut Reading, strategy: &Object<'_>) -> Option<Sticky> {
    let sticky = as_object(reading, strategy, "sticky")?;
    if !reading.boolean(&sticky, "enabled").unwrap_or(true) {
        return None;
    }
    let path = sticky.path("hash_fields");
    let Some(list) = reading.list(&sticky, "hash_fields", 10) else {
        if !sticky.has("hash_fields") {
            reading.mistake(&path, "must be an array of fields such as metadata._user or params.user");
        }
        return None;
    };
    let fields: Vec<Field> = list
        .iter()
        .enumerate()
        .filter_map(|(at, value)| {
            query::field(reading, value.as_str().unwrap_or_default(), &format!("{path}[{at}]"))
        })
        .collect();
    reading.reads_params |= fields.iter().any(|field| matches!(field, Field::Param(_)));
    let ttl = reading.whole(&sticky, "ttl", 1, MAX_STICKY_TTL_S).unwrap_or(STICKY_TTL_S);
    Some(Sticky { fields, ttl: Duration::from_secs(ttl) })
}
