//! Alerts, deliveries and webhooks on the wire.

use ::alerts::delivery::address;
use ::alerts::event_name;
use entity::{alert, alert_delivery, webhook_endpoint};
use sea_orm::prelude::{Json, Uuid};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use utoipa::ToSchema;

use crate::instant;

#[derive(Serialize, ToSchema)]
pub(crate) struct Alert {
    id: Uuid,
    /// As the `type` of its webhooks.
    event: String,
    /// `allowance`, `block`, `limit`, `budget` or `standing`.
    kind: String,
    /// What it is about, as `key:` and an id; null: the organisation itself.
    subject: Option<String>,
    /// In which it is raised once: a month as `2026-11`, or another period of the subject's.
    period: String,
    /// Per cent, or the number of a block.
    threshold: i32,
    /// Its figures.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    data: Json,
    #[schema(format = DateTime)]
    created_at: String,
    deliveries: Vec<Delivery>,
    /// Always `alert`.
    object: &'static str,
}

impl Alert {
    pub fn of(row: alert::Model, deliveries: Vec<alert_delivery::Model>) -> Self {
        Self {
            id: row.id,
            event: event_name(Some(&row)).to_owned(),
            deliveries: deliveries.into_iter().map(|it| Delivery::of(it, Some(&row))).collect(),
            kind: row.kind,
            subject: Some(row.subject).filter(|subject| !subject.is_empty()),
            period: row.period,
            threshold: row.threshold,
            data: row.data,
            created_at: instant::iso(row.created_at),
            object: "alert",
        }
    }
}

/// An alert on its way to one destination.
#[derive(Serialize, ToSchema)]
#[schema(as = AlertDelivery)]
pub(crate) struct Delivery {
    /// The `webhook-id` of each attempt.
    id: Uuid,
    /// Null: a test.
    alert_id: Option<Uuid>,
    event: String,
    /// Null: an e-mail.
    webhook_id: Option<Uuid>,
    /// Of an e-mail.
    recipient: Option<String>,
    /// `pending`, `delivered` or `failed` (given up).
    state: String,
    /// Since it was last asked for.
    attempts: i32,
    /// What the last attempt was answered: a status of HTTP, or of SMTP.
    last_status: Option<i32>,
    /// Why the last attempt was no success.
    last_error: Option<String>,
    #[schema(format = DateTime)]
    last_attempt_at: Option<String>,
    /// Null: there is none.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    delivered_at: Option<String>,
    /// Always `delivery`.
    object: &'static str,
}

impl Delivery {
    pub fn of(row: alert_delivery::Model, alert: Option<&alert::Model>) -> Self {
        Self {
            event: event_name(alert).to_owned(),
            recipient: address(&row).map(str::to_owned),
            next_attempt_at: (row.state == "pending").then(|| instant::iso(row.next_attempt_at)),
            id: row.id,
            alert_id: row.alert_id,
            webhook_id: row.endpoint_id,
            state: row.state,
            attempts: row.attempts,
            last_status: row.last_status,
            last_error: row.last_error,
            last_attempt_at: row.last_attempt_at.map(instant::iso),
            created_at: instant::iso(row.created_at),
            delivered_at: row.delivered_at.map(instant::iso),
            object: "delivery",
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Webhook {
    id: Uuid,
    url: String,
    /// Null: all of them.
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Json>,
    /// `active`, or `paused`: then nothing is sent, and what is on its way waits.
    status: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    /// Always `webhook`.
    object: &'static str,
}

impl Webhook {
    pub fn of(row: webhook_endpoint::Model) -> Self {
        Self {
            id: row.id,
            url: row.url,
            events: Some(row.events)
                .filter(|events| events.as_array().is_some_and(|names| !names.is_empty())),
            status: row.status,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            object: "webhook",
        }
    }
}

/// A webhook with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: Webhook,
    /// `whsec_` and base64 of what signs.
    secret: String,
}

impl WebhookWithSecret {
    pub fn of(row: webhook_endpoint::Model, secret: &SecretString) -> Self {
        Self { webhook: Webhook::of(row), secret: secret.expose_secret().to_owned() }
    }
}

/// Nothing to say but that it is done.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeletedWebhook {
    id: Uuid,
    /// Always true.
    deleted: bool,
}

impl DeletedWebhook {
    pub fn of(id: Uuid) -> Self {
        Self { id, deleted: true }
    }
}
