//! Who changed what of an organisation, and from where: written in the transaction of the change.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

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

/// From where a change was asked for: the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub method: String,
    /// The path.
    pub uri: String,
    pub query: Option<String>,
    /// The one that the request is answered with.
    pub request_id: String,
    pub client: IpAddr,
    /// What the client says that it is.
    pub user_agent: Option<String>,
}

/// Who makes a change, and from where. None: it is not asked for over HTTP.
#[derive(Clone, Debug)]
pub struct Author {
    pub actor: Actor,
    pub origin: Option<Arc<Origin>>,
}

impl From<Actor> for Author {
    fn from(actor: Actor) -> Self {
        Self { actor, origin: None }
    }
}

/// A change of an organisation.
#[derive(Clone, Debug)]
pub struct Entry {
    pub organisation_id: Uuid,
    /// Which workspace's it is, where it is one's.
    pub workspace_id: Option<Uuid>,
    pub author: Author,
    /// As `plan.change`.
    pub action: &'static str,
    pub subject: Option<String>,
    /// An object: what it was and what it is now.
    pub change: Json,
}

/// Of a request whose change is written: one that is refused writes nothing.
const DONE: i16 = 200;

/// Writes an entry.
///
/// # Errors
/// [`DbErr`] when the database fails.
pub async fn write(txn: &impl ConnectionTrait, ids: &Ids, now_ms: i64, entry: Entry) -> Result<(), DbErr> {
    let origin = entry.author.origin.as_deref();
    let row = audit_entry::Model {
        id: ids.fresh(),
        organisation_id: entry.organisation_id,
        created_at: now_ms,
        actor: entry.author.actor.to_string(),
        action: entry.action.to_owned(),
        subject: entry.subject,
        change: entry.change,
        workspace_id: entry.workspace_id,
        method: origin.map(|origin| origin.method.clone()),
        uri: origin.map(|origin| origin.uri.clone()),
        query: origin.and_then(|origin| origin.query.clone()),
        request_id: origin.map(|origin| origin.request_id.clone()),
        client_ip: origin.map(|origin| origin.client.to_string()),
        user_agent: origin.and_then(|origin| origin.user_agent.clone()),
        response_status: origin.map(|_| DONE),
    };
    audit_entry::Entity::insert(row.into_active_model()).exec_without_returning(txn).await?;
    Ok(())
}
