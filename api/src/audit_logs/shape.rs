//! The audit log on the wire.

use entity::audit_entry::Model;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::UserType;
use crate::instant;

/// A change: who made it, from where, and what was before and after.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct Record {
    #[schema(format = DateTime)]
    timestamp: String,
    /// `POST`, `PUT` or `DELETE`. Null, as all that is the request's: it was not asked for over HTTP.
    method: Option<String>,
    /// The request's path.
    uri: Option<String>,
    /// As the answer has it in `x-turnpike-request-id`.
    request_id: Option<String>,
    /// What was changed, as JSON: what it was and what it is. What was sent is not kept, for there may be secrets in it.
    request_body: String,
    query_params: Option<String>,
    /// As JSON: what the client says that it is. Others are not kept.
    request_headers: String,
    /// The person's, or the API key's.
    user_id: Option<Uuid>,
    /// `user`, `api_key`, `operator`, `payment-provider` or `turnpike`.
    user_type: Option<&'static str>,
    organisation_id: Uuid,
    /// The slug of the workspace whose it is that was changed; null: the organisation's.
    workspace_id: Option<String>,
    response_status_code: Option<i16>,
    /// Such as `config`.
    resource_type: String,
    /// Such as `update`.
    action: String,
    client_ip: Option<String>,
    /// Always null: addresses are not looked up.
    country: Option<String>,
    /// What was changed, by its kind and id or slug.
    subject: Option<String>,
    /// What it was; null: it was not there, or nothing was noted of it.
    before: Value,
    /// What it is now.
    after: Value,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditRecords)]
pub(crate) struct Page {
    records: Vec<Record>,
    /// How many there are in all.
    total: u64,
    /// Always `analytics-graph`, as the contract has it.
    object: &'static str,
}

impl Page {
    pub fn new(total: u64, records: Vec<Record>) -> Self {
        Self { records, total, object: "analytics-graph" }
    }
}

pub(super) fn shown(row: Model, workspace_slug: Option<String>) -> Record {
    let (resource_type, word) = row.action.split_once('.').unwrap_or((&row.action, ""));
    let action = if word == "change" { "update" } else { word };
    let who = UserType::of(&row.actor);
    let headers = row.user_agent.map_or_else(|| json!({}), |agent| json!({"user-agent": agent}));
    let request_body = row.change.to_string();
    let (resource_type, action) = (resource_type.to_owned(), action.to_owned());
    let (before, after) = sides(row.change, &action);
    Record {
        timestamp: instant::iso(row.created_at),
        method: row.method,
        uri: row.uri,
        request_id: row.request_id,
        request_body,
        query_params: row.query,
        request_headers: headers.to_string(),
        user_id: who.and_then(|(_, id)| id),
        user_type: who.map(|(of, _)| of.as_str()),
        organisation_id: row.organisation_id,
        workspace_id: workspace_slug,
        response_status_code: row.response_status,
        resource_type,
        action,
        client_ip: row.client_ip,
        country: None,
        subject: row.subject,
        before,
        after,
    }
}

/// What was before and what is after: entries have both under names, or the one that there is as it is.
fn sides(change: Value, action: &str) -> (Value, Value) {
    let named = [("from", "to"), ("was", "now")].into_iter().find_map(|(before, after)| {
        let side = |name| change.get(name).cloned();
        let both = (side(before), side(after));
        (both != (None, None)).then_some(both)
    });
    match named {
        Some((before, after)) => (before.unwrap_or_default(), after.unwrap_or_default()),
        None if action == "delete" => (change, Value::Null),
        None => (Value::Null, change),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_and_after_is_told_apart_however_it_was_noted() {
        let null = Value::Null;
        for (change, action, before, after) in [
            (json!({"from": 1, "to": 2, "because": "x"}), "update", json!(1), json!(2)),
            (json!({"was": {"a": 1}, "now": {"a": 2}}), "update", json!({"a": 1}), json!({"a": 2})),
            (json!({"now": {"a": 2}}), "create", null.clone(), json!({"a": 2})),
            (json!({"name": "x"}), "create", null.clone(), json!({"name": "x"})),
            (json!({"name": "x"}), "delete", json!({"name": "x"}), null.clone()),
        ] {
            assert_eq!(sides(change.clone(), action), (before, after), "{change} {action}");
        }
    }
}
