//! Alerts on their way: who is to be told, what is due, and what became of it.

use std::collections::{HashMap, HashSet};

use clock::Ids;
use entity::{alert, alert_delivery, organisation, webhook_endpoint};
use sea_orm::prelude::*;
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ActiveValue::Set, Condition, ConnectionTrait, IntoActiveModel, QueryOrder, QuerySelect};

use crate::outcome::Outcome;
use crate::{Kind, backoff, recipients};

/// What an address begins with, as a destination.
const MAIL: &str = "mailto:";

/// A delivery and what is sent by it.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub delivery: alert_delivery::Model,
    /// None: a test.
    pub alert: Option<alert::Model>,
    /// None: an e-mail.
    pub endpoint: Option<webhook_endpoint::Model>,
    /// What the organisation is called.
    pub organisation: String,
}

impl Parcel {
    /// Where an e-mail goes.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        address(&self.delivery)
    }
}

/// Where an e-mail goes; `None` for a webhook.
#[must_use]
pub fn address(delivery: &alert_delivery::Model) -> Option<&str> {
    delivery.destination.strip_prefix(MAIL)
}

/// Makes the deliveries of alerts that have none yet, at most `limit` alerts; gives how many alerts. Where `by_mail`, those
/// whom it concerns get a mail. Whoever repeats it makes nothing twice.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn announce(
    txn: &impl ConnectionTrait,
    ids: &Ids,
    now_ms: i64,
    by_mail: bool,
    limit: u64,
) -> Result<u64, DbErr> {
    let raised = alert::Entity::find()
        .filter(alert::Column::AnnouncedAt.is_null())
        .order_by_asc(alert::Column::CreatedAt)
        .order_by_asc(alert::Column::Id)
        .limit(limit)
        .all(txn)
        .await?;
    for alert in &raised {
        let mut made = Vec::new();
        for endpoint in subscribed(txn, alert).await? {
            made.push(to_webhook(ids, now_ms, &endpoint, Some(alert.id)));
        }
        if by_mail {
            for address in recipients::of(txn, alert).await? {
                made.push(new(
                    ids,
                    now_ms,
                    alert.organisation_id,
                    Some(alert.id),
                    format!("{MAIL}{address}"),
                    None,
                ));
            }
        }
        if !made.is_empty() {
            let once = [alert_delivery::Column::AlertId, alert_delivery::Column::Destination];
            alert_delivery::Entity::insert_many(made.into_iter().map(IntoActiveModel::into_active_model))
                .on_conflict(OnConflict::columns(once).do_nothing().to_owned())
                .exec_without_returning(txn)
                .await?;
        }
        alert::Entity::update_many()
            .set(alert::ActiveModel { announced_at: Set(Some(now_ms)), ..Default::default() })
            .filter(alert::Column::Id.eq(alert.id))
            .exec(txn)
            .await?;
    }
    Ok(raised.len() as u64)
}

/// The endpoints that an alert goes to.
async fn subscribed(
    txn: &impl ConnectionTrait,
    alert: &alert::Model,
) -> Result<Vec<webhook_endpoint::Model>, DbErr> {
    let event = Kind::of(alert).map(Kind::event);
    let mut endpoints = webhook_endpoint::Entity::find()
        .filter(webhook_endpoint::Column::OrganisationId.eq(alert.organisation_id))
        .filter(webhook_endpoint::Column::Status.eq("active"))
        .all(txn)
        .await?;
    endpoints.retain(|endpoint| match endpoint.events.as_array() {
        Some(named) if !named.is_empty() => named.iter().any(|name| name.as_str() == event),
        _ => true,
    });
    Ok(endpoints)
}

/// A delivery to an endpoint, due at once; without an alert a test.
#[must_use]
pub fn to_webhook(
    ids: &Ids,
    now_ms: i64,
    endpoint: &webhook_endpoint::Model,
    alert: Option<Uuid>,
) -> alert_delivery::Model {
    let destination = format!("webhook:{}", endpoint.id);
    new(ids, now_ms, endpoint.organisation_id, alert, destination, Some(endpoint.id))
}

fn new(
    ids: &Ids,
    now_ms: i64,
    organisation_id: Uuid,
    alert_id: Option<Uuid>,
    destination: String,
    endpoint_id: Option<Uuid>,
) -> alert_delivery::Model {
    alert_delivery::Model {
        id: ids.fresh(),
        organisation_id,
        alert_id,
        destination,
        endpoint_id,
        state: "pending".to_owned(),
        attempts: 0,
        next_attempt_at: now_ms,
        last_attempt_at: None,
        last_status: None,
        last_error: None,
        created_at: now_ms,
        delivered_at: None,
    }
}

/// What is due, those first that have been for longest, at most `limit`. What goes to an endpoint that is paused waits.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn due(db: &impl ConnectionTrait, now_ms: i64, limit: u64) -> Result<Vec<Parcel>, DbErr> {
    let active = Query::select()
        .column(webhook_endpoint::Column::Id)
        .from(webhook_endpoint::Entity)
        .and_where(webhook_endpoint::Column::Status.eq("active"))
        .to_owned();
    let goes = Condition::any()
        .add(alert_delivery::Column::EndpointId.is_null())
        .add(alert_delivery::Column::EndpointId.in_subquery(active));
    let deliveries = alert_delivery::Entity::find()
        .filter(alert_delivery::Column::State.eq("pending"))
        .filter(alert_delivery::Column::NextAttemptAt.lte(now_ms))
        .filter(goes)
        .order_by_asc(alert_delivery::Column::NextAttemptAt)
        .order_by_asc(alert_delivery::Column::CreatedAt)
        .limit(limit)
        .all(db)
        .await?;
    packed(db, deliveries).await
}

/// Each with what is sent by it.
async fn packed(
    db: &impl ConnectionTrait,
    deliveries: Vec<alert_delivery::Model>,
) -> Result<Vec<Parcel>, DbErr> {
    let of = |id: fn(&alert_delivery::Model) -> Option<Uuid>| -> HashSet<Uuid> {
        deliveries.iter().filter_map(id).collect()
    };
    let alerts = alert::Entity::find().filter(alert::Column::Id.is_in(of(|it| it.alert_id))).all(db).await?;
    let alerts: HashMap<Uuid, alert::Model> = alerts.into_iter().map(|row| (row.id, row)).collect();
    let endpoints = webhook_endpoint::Column::Id.is_in(of(|it| it.endpoint_id));
    let endpoints = webhook_endpoint::Entity::find().filter(endpoints).all(db).await?;
    let endpoints: HashMap<Uuid, webhook_endpoint::Model> =
        endpoints.into_iter().map(|row| (row.id, row)).collect();
    let organisations = organisation::Column::Id.is_in(of(|it| Some(it.organisation_id)));
    let organisations = organisation::Entity::find().filter(organisations).all(db).await?;
    let names: HashMap<Uuid, String> = organisations.into_iter().map(|row| (row.id, row.name)).collect();
    let parcel = |delivery: alert_delivery::Model| Parcel {
        alert: delivery.alert_id.and_then(|id| alerts.get(&id).cloned()),
        endpoint: delivery.endpoint_id.and_then(|id| endpoints.get(&id).cloned()),
        organisation: names.get(&delivery.organisation_id).cloned().unwrap_or_default(),
        delivery,
    };
    Ok(deliveries.into_iter().map(parcel).collect())
}

/// Writes what became of an attempt. After one that failed all else that is due there waits as long as it does, so that who
/// does not answer is asked once, and not once for each alert.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn settle(
    txn: &impl ConnectionTrait,
    delivery: &alert_delivery::Model,
    outcome: Outcome,
    now_ms: i64,
) -> Result<(), DbErr> {
    let attempts = delivery.attempts.saturating_add(1);
    let mut change = alert_delivery::ActiveModel {
        attempts: Set(attempts),
        last_attempt_at: Set(Some(now_ms)),
        ..Default::default()
    };
    let mut wait_until = None;
    match outcome {
        Outcome::Delivered(status) => {
            change.state = Set("delivered".to_owned());
            (change.last_status, change.last_error) = (Set(Some(status.into())), Set(None));
            change.delivered_at = Set(Some(now_ms));
        }
        Outcome::Failed { status, error } => {
            (change.last_status, change.last_error) = (Set(status.map(Into::into)), Set(Some(error)));
            match backoff::delay_ms(attempts, delivery.id) {
                Some(delay) => {
                    wait_until = Some(now_ms.saturating_add(delay));
                    change.next_attempt_at = Set(now_ms.saturating_add(delay));
                }
                None => change.state = Set("failed".to_owned()),
            }
        }
    }
    // One that was asked for again meanwhile begins anew.
    alert_delivery::Entity::update_many()
        .set(change)
        .filter(alert_delivery::Column::Id.eq(delivery.id))
        .filter(alert_delivery::Column::State.eq("pending"))
        .filter(alert_delivery::Column::Attempts.eq(delivery.attempts))
        .exec(txn)
        .await?;
    if let Some(until) = wait_until {
        alert_delivery::Entity::update_many()
            .set(alert_delivery::ActiveModel { next_attempt_at: Set(until), ..Default::default() })
            .filter(alert_delivery::Column::Destination.eq(&delivery.destination))
            .filter(alert_delivery::Column::State.eq("pending"))
            .filter(alert_delivery::Column::NextAttemptAt.lte(now_ms))
            .exec(txn)
            .await?;
    }
    Ok(())
}

/// What a delivery becomes that is to be made again.
#[must_use]
pub fn again(now_ms: i64) -> alert_delivery::ActiveModel {
    alert_delivery::ActiveModel {
        state: Set("pending".to_owned()),
        attempts: Set(0),
        next_attempt_at: Set(now_ms),
        ..Default::default()
    }
}
