//! Who changed what of an organisation: written in the transaction of the change.

use std::fmt;

use clock::Ids;
use entity::audit_entry;
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel};

use crate::Tenant;

/// Who makes a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Who runs this installation, at its command line or with its token.
    Operator,
    Person(Uuid),
    Key(Uuid),
    PaymentProvider,
    /// The server itself, by the clock.
    Turnpike,
}

impl Actor {
    /// Who a call is made by.
    #[must_use]
    pub fn of(tenant: &Tenant) -> Self {
        match (tenant.api_key_id, tenant.user_id) {
            (Some(key), _) => Self::Key(key),
            (None, Some(person)) => Self::Person(person),
            (None, None) => Self::Turnpike,
        }
    }
}

impl fmt::Display for Actor {
    /// As it stands in the database and on the wire.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::PaymentProvider => f.write_str("payment-provider"),
            Self::Turnpike => f.write_str("turnpike"),
        }
    }
}

/// A change of an organisation.
#[derive(Clone, Debug)]
pub struct Entry {
    pub organisation_id: Uuid,
    pub actor: Actor,
    /// As `plan.change`.
    pub action: &'static str,
    pub subject: Option<String>,
    /// An object: what it was and what it is now.
    pub change: Json,
}

/// Writes an entry.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn write(txn: &impl ConnectionTrait, ids: &Ids, now_ms: i64, entry: Entry) -> Result<(), DbErr> {
    let row = audit_entry::Model {
        id: ids.fresh(),
        organisation_id: entry.organisation_id,
        created_at: now_ms,
        actor: entry.actor.to_string(),
        action: entry.action.to_owned(),
        subject: entry.subject,
        change: entry.change,
    };
    audit_entry::Entity::insert(row.into_active_model()).exec_without_returning(txn).await?;
    Ok(())
}
