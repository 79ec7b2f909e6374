//! From the name of a virtual key to the provider's secret, for the calls that use it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use entity::virtual_key;
use limits::Limits;
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, QueryOrder, QuerySelect, QueryTrait};
use secrecy::{ExposeSecret as _, SecretString};
use vault::Vault;

use crate::cache::{Cache, Lifetimes};
use crate::notices::{Change, Notices};
use crate::{ResolveError, TenantScope};

mod models;

pub use models::Models;

/// Virtual keys of one list: more than any workspace has, and a bound.
const MAX_LISTED: u64 = 1_000;

/// A provider's credential, opened.
#[derive(Clone, Debug)]
pub struct VirtualKey {
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    pub slug: String,
    /// The provider's slug.
    pub provider: String,
    pub secret: SecretString,
    /// The base URL to call in place of the provider's own.
    pub custom_host: Option<String>,
    /// What its provider needs besides: values by the names of headers, in lower case and without `x-portkey-`.
    pub extras: BTreeMap<String, SecretString>,
    /// None: all.
    pub models: Option<Models>,
    /// Unix milliseconds; it works before it.
    pub expires_at: Option<i64>,
    /// Deleted: it may be shown, not used.
    pub archived: bool,
    pub limits: Option<Arc<Limits>>,
}

/// Looks virtual keys up. Clones share one cache, with the rules of [`crate::Keys`].
#[derive(Clone)]
pub struct VirtualKeys(Arc<Inner>, Notices);

struct Inner {
    db: DatabaseConnection,
    vault: Vault,
    clock: Clock,
    cache: Cache<(Uuid, String), VirtualKey>,
}

/// What binds a sealed secret to its row: copied to another row or organisation, it does not open.
#[must_use]
pub fn context(organisation_id: Uuid, id: Uuid) -> String {
    format!("virtual_key/{organisation_id}/{id}")
}

/// The same for what its provider needs besides the secret.
#[must_use]
pub fn context_of_extras(organisation_id: Uuid, id: Uuid) -> String {
    format!("virtual_key_extras/{organisation_id}/{id}")
}

/// Opens what a provider needs besides the secret.
///
/// # Errors
/// [`DbErr`] if it does not open, or is no JSON object of strings.
pub fn open_extras(vault: &Vault, row: &virtual_key::Model) -> Result<BTreeMap<String, SecretString>, DbErr> {
    let Some(sealed) = &row.extras else { return Ok(BTreeMap::new()) };
    let wrong = |error: &dyn std::fmt::Display| {
        DbErr::Custom(format!("what virtual key {} has besides its secret: {error}", row.id))
    };
    let opened = vault.open(sealed, context_of_extras(row.organisation_id, row.id).as_bytes());
    let opened = opened.map_err(|error| wrong(&error))?;
    serde_json::from_str(opened.expose_secret()).map_err(|error| wrong(&error))
}

impl VirtualKey {
    /// Whether it has ended by itself.
    #[must_use]
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_at.is_some_and(|at| at <= now_ms)
    }
}

impl VirtualKeys {
    #[must_use]
    pub fn new(
        db: DatabaseConnection,
        clock: Clock,
        vault: Vault,
        ttl: Duration,
        stale_max: Duration,
    ) -> Self {
        let cache = Cache::new(Lifetimes::new(ttl, stale_max), clock.clone());
        Self(Arc::new(Inner { db, vault, clock, cache }), Notices::none())
    }

    /// Whatever is invalidated through this handle and its clones is told to other processes.
    #[must_use]
    pub fn telling(self, notices: Notices) -> Self {
        Self(self.0, notices)
    }

    /// The virtual key of that name within `scope`, archived and expired ones too.
    ///
    /// # Errors
    /// [`ResolveError`]; `Unavailable` only when nothing recent stands in for a failing database.
    pub async fn resolve(&self, scope: &TenantScope, slug: &str) -> Result<Arc<VirtualKey>, ResolveError> {
        let (inner, organisation) = (&*self.0, scope.organisation());
        let key = inner.cache.named(organisation, slug, || inner.load(organisation, slug)).await?;
        let reached = scope.reaches(key.workspace_id);
        if reached { Ok(key) } else { Err(ResolveError::Unknown) }
    }

    /// The virtual keys within `scope` that may be used, newest first; at most a thousand.
    ///
    /// # Errors
    /// [`ResolveError::Unavailable`] if the database fails.
    pub async fn list(&self, scope: &TenantScope) -> Result<Vec<VirtualKey>, ResolveError> {
        let rows = virtual_key::Entity::find()
            .filter(virtual_key::Column::OrganisationId.eq(scope.organisation()))
            .filter(virtual_key::Column::Status.eq("active"))
            .apply_if(scope.only(virtual_key::Column::WorkspaceId), QueryFilter::filter)
            .order_by_desc(virtual_key::Column::CreatedAt)
            .order_by_desc(virtual_key::Column::Id)
            .limit(MAX_LISTED)
            .all(&self.0.db)
            .await
            .map_err(|error| {
                tracing::warn!(%error, "virtual keys could not be listed");
                ResolveError::Unavailable
            })?;
        let open = |row| {
            // What is listed is not called.
            let opened = self.0.open(row, None);
            opened.inspect_err(|error| tracing::error!(%error, "a virtual key is left out of a list")).ok()
        };
        let now_ms = self.0.clock.now_ms();
        Ok(rows.into_iter().filter_map(open).filter(|key| !key.is_expired(now_ms)).collect())
    }

    /// Forgets one virtual key: it was changed or archived.
    pub fn invalidate(&self, organisation_id: Uuid, slug: &str) {
        self.change(Change::VirtualKey { organisation: organisation_id, slug: slug.to_owned() });
    }

    /// Forgets an organisation's virtual keys.
    pub fn invalidate_organisation(&self, organisation_id: Uuid) {
        self.change(Change::Organisation(organisation_id));
    }

    /// Looks every virtual key up before it is believed again, here alone.
    pub fn doubt_all(&self) {
        self.0.cache.doubt_all();
    }

    fn change(&self, change: Change) {
        self.forget(&change);
        self.1.tell(change);
    }

    /// Forgets what the change is about, here alone.
    pub(crate) fn forget(&self, change: &Change) {
        match change {
            Change::VirtualKey { organisation, slug } => {
                self.0.cache.invalidate(&(*organisation, slug.clone()));
            }
            Change::Organisation(id) => {
                self.0.cache.invalidate_where(|(organisation, _), _| organisation == id);
            }
            Change::ApiKey(_)
            | Change::Config { .. }
            | Change::Guardrail { .. }
            | Change::Session(_)
            | Change::Person(_) => {}
            Change::Everything => self.doubt_all(),
        }
    }
}

impl Inner {
    async fn load(&self, organisation_id: Uuid, slug: &str) -> Result<Option<VirtualKey>, DbErr> {
        let row = virtual_key::Entity::find()
            .filter(virtual_key::Column::OrganisationId.eq(organisation_id))
            .filter(virtual_key::Column::Slug.eq(slug))
            .one(&self.db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let limits = limits::load(&self.db, [row.id]).await?.pop().map(Arc::new);
        self.open(row, limits).map(Some)
    }

    fn open(&self, row: virtual_key::Model, limits: Option<Arc<Limits>>) -> Result<VirtualKey, DbErr> {
        let secret = self
            .vault
            .open(&row.secret, context(row.organisation_id, row.id).as_bytes())
            .map_err(|error| DbErr::Custom(format!("the secret of virtual key {}: {error}", row.id)))?;
        let extras = open_extras(&self.vault, &row)?;
        Ok(VirtualKey {
            id: row.id,
            organisation_id: row.organisation_id,
            workspace_id: row.workspace_id,
            slug: row.slug,
            provider: row.provider,
            secret,
            custom_host: row.custom_host,
            extras,
            models: row.models.as_ref().map(Models::from_json),
            expires_at: row.expires_at,
            archived: row.status != "active",
            limits,
        })
    }
}

#[cfg(test)]
mod tests;
