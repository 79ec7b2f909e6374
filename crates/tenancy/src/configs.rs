//! From the name of a saved config to what it says, for the calls that run under it.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use entity::{config, config_version};
use routing::{Config, Invalid};
use sea_orm::DatabaseConnection;
use sea_orm::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use vault::Vault;

use crate::cache::{Cache, Lifetimes};
use crate::notices::{Change, Notices};
use crate::{ResolveError, TenantScope};

/// A saved config, opened and parsed.
#[derive(Clone)]
pub struct SavedConfig {
    pub slug: String,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    /// The version that calls run under now.
    pub version_id: Uuid,
    /// It may be shown, not used.
    pub archived: bool,
    pub config: Arc<Config>,
}

/// Looks saved configs up. Clones share one cache, with the rules of [`crate::Keys`].
#[derive(Clone)]
pub struct Configs(Arc<Inner>, Notices);

struct Inner {
    db: DatabaseConnection,
    vault: Vault,
    cache: Cache<(Uuid, String), SavedConfig>,
}

/// What binds a sealed version to its row: copied to another row or organisation, it does not open.
#[must_use]
pub fn context(organisation_id: Uuid, version_id: Uuid) -> String {
    format!("config_version/{organisation_id}/{version_id}")
}

/// Opens the JSON text of a version, which may hold secrets.
///
/// # Errors
/// [`DbErr::Custom`] if it does not open.
pub fn open(vault: &Vault, row: &config_version::Model) -> Result<SecretString, DbErr> {
    vault
        .open(&row.content, context(row.organisation_id, row.id).as_bytes())
        .map_err(|error| DbErr::Custom(format!("version {} of a config: {error}", row.id)))
}

impl Configs {
    #[must_use]
    pub fn new(
        db: DatabaseConnection,
        clock: Clock,
        vault: Vault,
        ttl: Duration,
        stale_max: Duration,
    ) -> Self {
        let cache = Cache::new(Lifetimes::new(ttl, stale_max), clock);
        Self(Arc::new(Inner { db, vault, cache }), Notices::none())
    }

    /// Whatever is invalidated through this handle and its clones is told to other processes.
    #[must_use]
    pub fn telling(self, notices: Notices) -> Self {
        Self(self.0, notices)
    }

    /// The config of that name within `scope`, archived ones too.
    ///
    /// # Errors
    /// [`ResolveError`]; `Unavailable` only when nothing recent stands in for a failing database.
    pub async fn resolve(&self, scope: &TenantScope, slug: &str) -> Result<Arc<SavedConfig>, ResolveError> {
        let (inner, organisation) = (&*self.0, scope.organisation());
        let found = inner.cache.named(organisation, slug, || inner.load(organisation, slug)).await?;
        let reached = scope.reaches(found.workspace_id);
        if reached { Ok(found) } else { Err(ResolveError::Unknown) }
    }

    /// Forgets one config: it was changed or archived.
    pub fn invalidate(&self, organisation_id: Uuid, slug: &str) {
        let change = Change::Config { organisation: organisation_id, slug: slug.to_owned() };
        self.forget(&change);
        self.1.tell(change);
    }

    /// Forgets what the change is about, here alone.
    pub(crate) fn forget(&self, change: &Change) {
        let cache = &self.0.cache;
        match change {
            Change::Config { organisation, slug } => cache.invalidate(&(*organisation, slug.clone())),
            Change::Organisation(id) => cache.invalidate_where(|(organisation, _), _| organisation == id),
            Change::ApiKey(_)
            | Change::VirtualKey { .. }
            | Change::Guardrail { .. }
            | Change::Session(_)
            | Change::Person(_) => {}
            Change::Everything => cache.doubt_all(),
        }
    }
}

impl Inner {
    async fn load(&self, organisation_id: Uuid, slug: &str) -> Result<Option<SavedConfig>, DbErr> {
        let row = config::Entity::find()
            .filter(config::Column::OrganisationId.eq(organisation_id))
            .filter(config::Column::Slug.eq(slug))
            .one(&self.db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let version = config_version::Entity::find_by_id(row.version_id)
            .filter(config_version::Column::OrganisationId.eq(organisation_id))
            .one(&self.db)
            .await?
            .ok_or_else(|| {
                DbErr::RecordNotFound(format!("version {} of config {}", row.version_id, row.id))
            })?;
        let text = open(&self.vault, &version)?;
        let config = Config::parse(text.expose_secret()).map_err(|Invalid(mistakes)| {
            // What is wrong with it may quote it.
            let at: Vec<&str> = mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
            DbErr::Type(format!("version {} of config {} is not right at {at:?}", version.id, row.id))
        })?;
        Ok(Some(SavedConfig {
            slug: row.slug,
            organisation_id: row.organisation_id,
            workspace_id: row.workspace_id,
            version_id: version.id,
            archived: row.status != "active",
            config: Arc::new(config),
        }))
    }
}

#[cfg(test)]
mod tests;
