//! What Stripe tells: an invoice was paid, or could not be. <https://docs.stripe.com/api/events>

use clock::Ids;
use entity::{payment_customer, payment_event};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Condition, DatabaseConnection, DatabaseTransaction, IntoActiveModel, Set, TransactionTrait};
use serde::Deserialize;
use tenancy::Standing;
use tenancy::audit::Actor;

use crate::standing::{self, Change};

/// Bytes of an event's id.
const MAX_ID: usize = 255;

/// An event, as far as it is read.
#[derive(Debug, Deserialize)]
pub struct Event {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// Unix seconds.
    created: i64,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Object,
}

#[derive(Debug, Deserialize)]
struct Object {
    /// An id, or all of the customer.
    #[serde(default)]
    customer: serde_json::Value,
}

/// What an event says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Paid(&'static str),
    Failed(&'static str),
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The organisation's standing is another now: caches are to be told.
    Changed { organisation_id: Uuid, to: Standing },
    /// Nothing changes by it.
    Unchanged,
    /// It came before.
    Repeated,
    /// One that is newer came before.
    Overtaken,
    /// No organisation is that customer.
    UnknownCustomer(String),
    /// It is about something else.
    Ignored,
}

impl Event {
    /// Reads the body of a webhook.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let event: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        if event.id.is_empty() || event.id.len() > MAX_ID || event.id.contains('\0') {
            return Err("id: no id of an event".to_owned());
        }
        Ok(event)
    }

    fn says(&self) -> Option<Says> {
        match self.kind.as_str() {
            "invoice.payment_failed" => Some(Says::Failed("invoice.payment_failed")),
            "invoice.paid" => Some(Says::Paid("invoice.paid")),
            "invoice.payment_succeeded" => Some(Says::Paid("invoice.payment_succeeded")),
            _ => None,
        }
    }

    fn customer(&self) -> &str {
        let customer = &self.data.object.customer;
        customer.as_str().or_else(|| customer["id"].as_str()).unwrap_or_default()
    }

    /// Applies it, once: a failed payment makes who is in good standing past due, a paid invoice sets all right. One that is older than
    /// what was applied last changes nothing.
    ///
    /// # Errors
    /// [`DbErr`] when the database fails: nothing of it is applied.
    pub async fn apply(self, db: &DatabaseConnection, ids: &Ids, now_ms: i64) -> Result<Applied, DbErr> {
        let Some(says) = self.says() else { return Ok(Applied::Ignored) };
        let txn = db.begin().await?;
        let applied = self.apply_in(&txn, ids, now_ms, says).await?;
        // Of a customer that is not known yet it may come again.
        if matches!(applied, Applied::UnknownCustomer(_)) {
            txn.rollback().await?;
        } else {
            txn.commit().await?;
        }
        Ok(applied)
    }

    async fn apply_in(
        &self,
        txn: &DatabaseTransaction,
        ids: &Ids,
        now_ms: i64,
        says: Says,
    ) -> Result<Applied, DbErr> {
        if !self.is_new(txn, now_ms).await? {
            return Ok(Applied::Repeated);
        }
        let customer = payment_customer::Entity::find()
            .filter(payment_customer::Column::StripeCustomerId.eq(self.customer()))
            .one(txn)
            .await?;
        let Some(customer) = customer else {
            return Ok(Applied::UnknownCustomer(self.customer().chars().take(MAX_ID).collect()));
        };
        let organisation_id = customer.organisation_id;
        if !self.is_newest(txn, organisation_id, says).await? {
            return Ok(Applied::Overtaken);
        }
        let (from, to, because): (&[Standing], _, _) = match says {
            Says::Paid(kind) => (&Standing::ALL, Standing::Good, kind),
            Says::Failed(kind) => (&[Standing::Good], Standing::PastDue, kind),
        };
        let change = Change { organisation_id, from, to, actor: Actor::PaymentProvider, because };
        let before = standing::change(txn, ids, now_ms, &change).await?;
        Ok(if before.is_some() { Applied::Changed { organisation_id, to } } else { Applied::Unchanged })
    }

    async fn is_new(&self, txn: &DatabaseTransaction, now_ms: i64) -> Result<bool, DbErr> {
        let row = payment_event::Model { id: self.id.clone(), kind: self.kind.clone(), received_at: now_ms };
        let inserted = payment_event::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::column(payment_event::Column::Id).do_nothing().to_owned())
            .exec_without_returning(txn)
            .await?;
        Ok(inserted == 1)
    }

    /// Notes the event's time, unless it is before that of another. Of one second, a payment is what came last.
    async fn is_newest(
        &self,
        txn: &DatabaseTransaction,
        organisation: Uuid,
        says: Says,
    ) -> Result<bool, DbErr> {
        let last = payment_customer::Column::LastEventAt;
        let before = match says {
            Says::Paid(_) => last.lte(self.created),
            Says::Failed(_) => last.lt(self.created),
        };
        let noted = payment_customer::Entity::update_many()
            .set(payment_customer::ActiveModel {
                last_event_at: Set(Some(self.created)),
                ..Default::default()
            })
            .filter(payment_customer::Column::OrganisationId.eq(organisation))
            .filter(Condition::any().add(last.is_null()).add(before))
            .exec(txn)
            .await?;
        Ok(noted.rows_affected == 1)
    }
}
