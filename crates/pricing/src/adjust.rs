//! What an organisation's calls cost in place of, or in proportion to, the prices that hold for everybody.

use clock::{Clock, Ids};
use entity::{organisation, price_adjustment};
use providers::{ANY, Multiplier, Price, slug};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel, QueryOrder as _, TransactionTrait as _};

use crate::Error;

const MAX_NAME: usize = 256;

/// What is done to a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adjustment {
    /// The share of the list's cost that is charged.
    Multiply(Multiplier),
    /// In place of the list's.
    Price(Box<Price>),
}

/// For whom, and for which calls.
#[derive(Debug, Clone)]
pub struct NewAdjustment {
    pub organisation_id: Uuid,
    /// None: of all providers.
    pub provider: Option<String>,
    /// None: all models of the provider. Found as prices are: without its version where it has none of its own.
    pub model: Option<String>,
    pub adjustment: Adjustment,
}

/// One that holds.
#[derive(Debug, Clone)]
pub struct Adjusted {
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// `*` is any.
    pub provider: String,
    /// `*` is any.
    pub model: String,
    pub adjustment: Adjustment,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Sets it, in place of what was set for the same calls. Gives its id.
///
/// # Errors
/// [`Error`]: nothing was set.
pub async fn adjust(
    db: &DatabaseConnection,
    (ids, clock): (&Ids, &Clock),
    new: NewAdjustment,
) -> Result<Uuid, Error> {
    let provider = name("provider", new.provider.as_deref())?;
    let (provider, model) = (slug(provider).to_owned(), name("model", new.model.as_deref())?.to_owned());
    let (mut multiplier, mut price) = (None, None);
    match &new.adjustment {
        Adjustment::Multiply(by) => multiplier = Some(by.to_string()),
        Adjustment::Price(given) => {
            given.check()?;
            let value = serde_json::to_value(given);
            price = Some(value.map_err(|error| unreadable(&model, &error))?);
        }
    }
    let row = price_adjustment::Model {
        id: ids.fresh(),
        organisation_id: new.organisation_id,
        provider: provider.clone(),
        model: model.clone(),
        multiplier,
        price,
        created_at: clock.now_ms(),
        removed_at: None,
    };
    let (id, now_ms) = (row.id, row.created_at);
    let txn = db.begin().await?;
    price_adjustment::Entity::update_many()
        .col_expr(price_adjustment::Column::RemovedAt, Expr::value(now_ms))
        .filter(price_adjustment::Column::OrganisationId.eq(new.organisation_id))
        .filter(price_adjustment::Column::Provider.eq(provider))
        .filter(price_adjustment::Column::Model.eq(model))
        .filter(price_adjustment::Column::RemovedAt.is_null())
        .exec(&txn)
        .await?;
    if organisation::Entity::find_by_id(new.organisation_id).one(&txn).await?.is_none() {
        txn.rollback().await?;
        return Err(Error::NoOrganisation(new.organisation_id));
    }
    price_adjustment::Entity::insert(row.into_active_model()).exec_without_returning(&txn).await?;
    txn.commit().await?;
    Ok(id)
}

/// Takes one away; what was costed by it stays so until it is costed anew.
///
/// # Errors
/// [`Error::NoAdjustment`] where none of this id holds.
pub async fn withdraw(db: &DatabaseConnection, clock: &Clock, id: Uuid) -> Result<(), Error> {
    let removed = price_adjustment::Entity::update_many()
        .col_expr(price_adjustment::Column::RemovedAt, Expr::value(clock.now_ms()))
        .filter(price_adjustment::Column::Id.eq(id))
        .filter(price_adjustment::Column::RemovedAt.is_null())
        .exec(db)
        .await?;
    if removed.rows_affected == 0 { Err(Error::NoAdjustment(id)) } else { Ok(()) }
}

/// Those that hold, of one organisation or of all.
///
/// # Errors
/// [`Error`] where they cannot be read.
pub async fn adjustments(
    db: &DatabaseConnection,
    organisation: Option<Uuid>,
) -> Result<Vec<Adjusted>, Error> {
    let rows = all(db).await?.into_iter().filter(|row| row.removed_at.is_none());
    let rows = rows.filter(|row| organisation.is_none_or(|id| id == row.organisation_id));
    let adjusted = rows.map(|row| {
        Ok(Adjusted {
            adjustment: read(&row)?,
            id: row.id,
            organisation_id: row.organisation_id,
            provider: row.provider,
            model: row.model,
            created_at: row.created_at,
        })
    });
    adjusted.collect()
}

/// Those that do not hold any more too, for the version tells of them.
pub(crate) async fn all(db: &impl ConnectionTrait) -> Result<Vec<price_adjustment::Model>, DbErr> {
    price_adjustment::Entity::find()
        .order_by_asc(price_adjustment::Column::CreatedAt)
        .order_by_asc(price_adjustment::Column::Id)
        .all(db)
        .await
}

pub(crate) fn read(row: &price_adjustment::Model) -> Result<Adjustment, Error> {
    let multiplier = row.multiplier.as_deref().map(str::parse).transpose();
    let multiplier = multiplier.map_err(|error| unreadable(&row.model, &error))?;
    match (multiplier, &row.price) {
        (Some(by), None) => Ok(Adjustment::Multiply(by)),
        (None, Some(price)) => {
            let price = serde_json::from_value(price.clone());
            Ok(Adjustment::Price(Box::new(price.map_err(|error| unreadable(&row.model, &error))?)))
        }
        _ => Err(unreadable(&row.model, &"neither a multiplier nor a price")),
    }
}

fn unreadable(model: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Unreadable { what: "adjustment", model: model.to_owned(), error: error.to_string() }
}

fn name<'a>(field: &'static str, given: Option<&'a str>) -> Result<&'a str, Error> {
    match given {
        None => Ok(ANY),
        Some(name) if (1..=MAX_NAME).contains(&name.chars().count()) => Ok(name),
        Some(name) => Err(Error::Name { field, found: name.chars().count() }),
    }
}
