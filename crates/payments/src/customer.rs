//! Which customer of Stripe's an organisation is.

use entity::{organisation, payment_customer};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{DatabaseConnection, IntoActiveModel};

use crate::{Failure, Stripe};

/// Bytes of a customer's id.
const MAX_ID: usize = 255;

/// Why an organisation is no customer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no organisation with id {0}")]
    NotFound(Uuid),
    #[error("{0:?} is no customer's id; expected cus_ and letters or digits")]
    Malformed(String),
    #[error("the customer {0} is another organisation's")]
    Taken(String),
    #[error("the organisation is the customer {0}; naming another is for --stripe")]
    Known(String),
    #[error("Stripe did not make a customer")]
    Stripe(#[from] Failure),
    #[error("Stripe answered without a customer's id")]
    NoId,
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// The organisation is this customer from now on. What waits for it is sent.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Malformed`], [`Error::Taken`]; else the database's.
pub async fn set(
    db: &DatabaseConnection,
    organisation_id: Uuid,
    customer: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let id = customer.strip_prefix("cus_").unwrap_or_default();
    let is_id = |id: &str| !id.is_empty() && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if customer.len() > MAX_ID || !is_id(id) {
        return Err(Error::Malformed(customer.to_owned()));
    }
    organisation(db, organisation_id).await?;
    let whose = payment_customer::Entity::find()
        .filter(payment_customer::Column::StripeCustomerId.eq(customer))
        .one(db)
        .await?;
    if whose.is_some_and(|whose| whose.organisation_id != organisation_id) {
        return Err(Error::Taken(customer.to_owned()));
    }
    let row = payment_customer::Model {
        organisation_id,
        stripe_customer_id: customer.to_owned(),
        created_at: now_ms,
        last_event_at: None,
    };
    let known = OnConflict::column(payment_customer::Column::OrganisationId)
        .update_column(payment_customer::Column::StripeCustomerId)
        .to_owned();
    payment_customer::Entity::insert(row.into_active_model())
        .on_conflict(known)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Makes the organisation a customer at Stripe, and gives its id there. Asked again after a failure, Stripe makes no second.
///
/// # Errors
/// As [`set`], [`Error::Known`] when it is one, and what Stripe says.
pub async fn create(
    db: &DatabaseConnection,
    stripe: &Stripe,
    organisation_id: Uuid,
    now_ms: i64,
) -> Result<String, Error> {
    let organisation = organisation(db, organisation_id).await?;
    if let Some(known) = payment_customer::Entity::find_by_id(organisation_id).one(db).await? {
        return Err(Error::Known(known.stripe_customer_id));
    }
    let id = organisation_id.to_string();
    let fields = [("name", organisation.name.as_str()), ("metadata[organisation_id]", &id)];
    let made = stripe.post("/v1/customers", &fields, Some(&format!("turnpike-customer-{id}"))).await?;
    let customer = made["id"].as_str().ok_or(Error::NoId)?.to_owned();
    set(db, organisation_id, &customer, now_ms).await?;
    Ok(customer)
}

async fn organisation(db: &DatabaseConnection, id: Uuid) -> Result<organisation::Model, Error> {
    organisation::Entity::find_by_id(id).one(db).await?.ok_or(Error::NotFound(id))
}
