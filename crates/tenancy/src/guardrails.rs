//! From the name of a saved guardrail to what it checks, for the calls that run it.

use std::sync::Arc;
use std::time::Duration;

use ::guardrails::Guardrail;
use clock::Clock;
use entity::{guardrail, guardrail_version};
use sea_orm::DatabaseConnection;
use sea_orm::prelude::*;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vault::Vault;

use crate::cache::{Cache, Lifetimes};
use crate::notices::{Change, Notices};
use crate::{ResolveError, TenantScope};

/// A saved guardrail, opened and read.
#[derive(Clone)]
pub struct SavedGuardrail {
    pub slug: String,
    /// None: every workspace of the organisation may run it.
    pub workspace_id: Option<Uuid>,
    /// It may be shown, not run.
    pub archived: bool,
    pub guardrail: Arc<Guardrail>,
}

/// What a version says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub checks: Value,
    pub actions: Value,
}

/// Looks saved guardrails up. Clones share one cache, with the rules of [`crate::Keys`].
#[derive(Clone)]
pub struct Guardrails(Arc<Inner>, Notices);

struct Inner {
    db: DatabaseConnection,
    vault: Vault,
    cache: Cache<(Uuid, String), SavedGuardrail>,
}

/// What binds a sealed version to its row: copied to another row or organisation, it does not open.
#[must_use]
pub fn context(organisation_id: Uuid, version_id: Uuid) -> String {
    format!("guardrail_version/{organisation_id}/{version_id}")
}

/// Opens what a version says, which may hold secrets.
///
/// # Errors
/// [`DbErr::Custom`] if it does not open.
pub fn open(vault: &Vault, row: &guardrail_version::Model) -> Result<Content, DbErr> {
    let failed = |why: String| DbErr::Custom(format!("version {} of a guardrail: {why}", row.id));
    let text: SecretString = vault
        .open(&row.content, context(row.organisation_id, row.id).as_bytes())
        .map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(text.expose_secret()).map_err(|_| failed("it is not what one says".to_owned()))
}

impl Guardrails {
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

    /// The guardrail of that slug or id within `scope`, or of the whole organisation; archived ones too.
    ///
    /// # Errors
    /// [`ResolveError`]; `Unavailable` only when nothing recent stands in for a failing database.
    pub async fn resolve(
        &self,
        scope: &TenantScope,
        named: &str,
    ) -> Result<Arc<SavedGuardrail>, ResolveError> {
        let (inner, organisation) = (&*self.0, scope.organisation());
        let found = inner.cache.named(organisation, named, || inner.load(organisation, named)).await?;
        let own = found.workspace_id;
        let reached = own.is_none_or(|workspace| scope.reaches(workspace));
        if reached { Ok(found) } else { Err(ResolveError::Unknown) }
    }

    /// Forgets one guardrail: it was changed or archived.
    pub fn invalidate(&self, organisation_id: Uuid, slug: &str) {
        let change = Change::Guardrail { organisation: organisation_id, slug: slug.to_owned() };
        self.forget(&change);
        self.1.tell(change);
    }

    /// Forgets what the change is about, here alone.
    pub(crate) fn forget(&self, change: &Change) {
        let cache = &self.0.cache;
        match change {
            // It may be known by its id as well.
            Change::Guardrail { organisation, slug } => {
                cache.invalidate_where(|(of, _), found| of == organisation && found.slug == *slug);
            }
            Change::Organisation(id) => cache.invalidate_where(|(organisation, _), _| organisation == id),
            Change::ApiKey(_)
            | Change::VirtualKey { .. }
            | Change::Config { .. }
            | Change::Session(_)
            | Change::Person(_) => {}
            Change::Everything => cache.doubt_all(),
        }
    }
}

impl Inner {
    async fn load(&self, organisation_id: Uuid, named: &str) -> Result<Option<SavedGuardrail>, DbErr> {
        let rows = guardrail::Entity::find().filter(guardrail::Column::OrganisationId.eq(organisation_id));
        let rows = match named.parse::<Uuid>() {
            Ok(id) => rows.filter(guardrail::Column::Id.eq(id)),
            Err(_) => rows.filter(guardrail::Column::Slug.eq(named)),
        };
        let Some(row) = rows.one(&self.db).await? else { return Ok(None) };
        let version = guardrail_version::Entity::find_by_id(row.version_id)
            .filter(guardrail_version::Column::OrganisationId.eq(organisation_id))
            .one(&self.db)
            .await?
            .ok_or_else(|| {
                DbErr::RecordNotFound(format!("version {} of guardrail {}", row.version_id, row.id))
            })?;
        let content = open(&self.vault, &version)?;
        let guardrail =
            ::guardrails::saved(&row.slug, &content.checks, &content.actions).map_err(|mistakes| {
                // What is wrong with it may quote it.
                let at: Vec<&str> = mistakes.iter().map(|mistake| mistake.path.as_str()).collect();
                DbErr::Type(format!("version {} of guardrail {} is not right at {at:?}", version.id, row.id))
            })?;
        Ok(Some(SavedGuardrail {
            slug: row.slug,
            workspace_id: row.workspace_id,
            archived: row.status != "active",
            guardrail: Arc::new(guardrail),
        }))
    }
}

#[cfg(test)]
mod tests;
