//! From an API key to its tenant: the first step of every call.

mod archive;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clock::Clock;
use entity::{api_key, organisation, workspace};
use limits::Limits;
use sea_orm::prelude::*;
use sea_orm::{Condition, DatabaseConnection};

use crate::cache::{Cache, Lifetimes};
use crate::notices::{Change, Notices};
use crate::{Defaults, PlanOverrides, Scopes, Tenant, people, secret};

pub use archive::{archive_of_user, key_hashes};

/// Longer than any key: not worth a look in the database. Bytes.
const MAX_SECRET: usize = 256;

/// Why a key identifies nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifyError {
    #[error("no such API key")]
    Unknown,
    #[error("the API key has expired")]
    Expired,
    #[error("API keys cannot be looked up at the moment")]
    Unavailable,
}

/// How keys were found, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookUps {
    /// In memory.
    pub hits: u64,
    /// Not at once: the database had to be asked, or to be waited for.
    pub misses: u64,
}

/// Identifies callers. Clones share one cache; a warm look-up is one SHA-256 and one map access.
#[derive(Clone)]
pub struct Keys(Arc<Inner>, Notices);

struct Inner {
    db: DatabaseConnection,
    clock: Clock,
    plan_overrides: PlanOverrides,
    cache: Cache<[u8; 32], Tenant>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Keys {
    /// A key is looked up again after `ttl`; while the database fails it works on until `stale_max` after it was seen.
    #[must_use]
    pub fn new(
        db: DatabaseConnection,
        clock: Clock,
        ttl: Duration,
        stale_max: Duration,
        plan_overrides: PlanOverrides,
    ) -> Self {
        let cache = Cache::new(Lifetimes::new(ttl, stale_max), clock.clone());
        let (hits, misses) = (AtomicU64::new(0), AtomicU64::new(0));
        Self(Arc::new(Inner { db, clock, plan_overrides, cache, hits, misses }), Notices::none())
    }

    /// Whatever is invalidated through this handle and its clones is told to other processes.
    #[must_use]
    pub fn telling(self, notices: Notices) -> Self {
        Self(self.0, notices)
    }

    /// The tenant of `secret`.
    ///
    /// # Errors
    /// [`IdentifyError`]; `Unavailable` only for a key that was not seen for so long that nothing stands in.
    pub async fn identify(&self, secret: &str) -> Result<Arc<Tenant>, IdentifyError> {
        if secret.len() > MAX_SECRET {
            return Err(IdentifyError::Unknown);
        }
        self.identify_hash(secret::hash(secret)).await
    }

    /// The tenant of the key with this id.
    ///
    /// # Errors
    /// As [`Keys::identify`].
    pub async fn identify_by_id(&self, id: Uuid) -> Result<Arc<Tenant>, IdentifyError> {
        let row = api_key::Entity::find_by_id(id).one(&self.0.db).await;
        let row = row.map_err(|_| IdentifyError::Unavailable)?.ok_or(IdentifyError::Unknown)?;
        let hash = row.hash.try_into().map_err(|_| IdentifyError::Unknown)?;
        self.identify_hash(hash).await
    }

    async fn identify_hash(&self, hash: [u8; 32]) -> Result<Arc<Tenant>, IdentifyError> {
        let inner = &*self.0;
        let tenant = if let Some(tenant) = inner.known(&hash) {
            tenant
        } else {
            inner.misses.fetch_add(1, Ordering::Relaxed);
            // A look-up is rare and large: in a box it is not part of every call's future.
            let found = inner.cache.get(hash, Box::pin(inner.load(hash))).await;
            found.map_err(|_| IdentifyError::Unavailable)?.ok_or(IdentifyError::Unknown)?
        };
        if inner.works(&tenant) { Ok(tenant) } else { Err(IdentifyError::Expired) }
    }

    /// The tenant of `secret` when it is known, fresh and has not expired: without waiting for anything.
    #[must_use]
    pub fn cached(&self, secret: &str) -> Option<Arc<Tenant>> {
        self.0.known(&secret::hash(secret)).filter(|tenant| self.0.works(tenant))
    }

    /// How keys were found so far.
    #[must_use]
    pub fn look_ups(&self) -> LookUps {
        let Inner { hits, misses, .. } = &*self.0;
        LookUps { hits: hits.load(Ordering::Relaxed), misses: misses.load(Ordering::Relaxed) }
    }

    /// Forgets one key, by [`secret::hash`]: it was changed or archived.
    pub fn invalidate(&self, hash: &[u8; 32]) {
        self.change(Change::ApiKey(*hash));
    }

    /// Forgets an organisation's keys: its plan or its workspaces were changed.
    pub fn invalidate_organisation(&self, organisation_id: Uuid) {
        self.change(Change::Organisation(organisation_id));
    }

    /// Forgets the keys of a person: what they are in the organisation or its workspaces was changed.
    pub fn invalidate_person(&self, user_id: Uuid) {
        self.change(Change::Person(user_id));
    }

    /// Looks every key up before it is believed again, here alone.
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
            Change::ApiKey(hash) => self.0.cache.invalidate(hash),
            Change::Organisation(id) => {
                self.0.cache.invalidate_where(|_, tenant| tenant.organisation_id == *id);
            }
            Change::Person(id) => self.0.cache.invalidate_where(|_, tenant| tenant.user_id == Some(*id)),
            Change::VirtualKey { .. }
            | Change::Config { .. }
            | Change::Guardrail { .. }
            | Change::Session(_) => {}
            Change::Everything => self.doubt_all(),
        }
    }
}

impl Inner {
    /// What is in memory and fresh.
    fn known(&self, hash: &[u8; 32]) -> Option<Arc<Tenant>> {
        let tenant = self.cache.fresh(hash)?;
        self.hits.fetch_add(1, Ordering::Relaxed);
        Some(tenant)
    }

    fn works(&self, tenant: &Tenant) -> bool {
        tenant.expires_at.is_none_or(|at| self.clock.now_ms() < at)
    }

    async fn load(&self, hash: [u8; 32]) -> Result<Option<Tenant>, DbErr> {
        let former = Condition::all()
            .add(api_key::Column::FormerHash.eq(hash.to_vec()))
            .add(api_key::Column::FormerUntil.gt(self.clock.now_ms()));
        let key = api_key::Entity::find()
            .filter(Condition::any().add(api_key::Column::Hash.eq(hash.to_vec())).add(former))
            .filter(api_key::Column::Status.eq("active"))
            .one(&self.db)
            .await?;
        let Some(key) = key else { return Ok(None) };
        let Some(organisation) = organisation::Entity::find_by_id(key.organisation_id).one(&self.db).await?
        else {
            return Ok(None);
        };
        let workspace = match key.workspace_id {
            None => None,
            Some(id) => match workspace::Entity::find_by_id(id).one(&self.db).await? {
                Some(workspace) if workspace.status == "active" => Some(workspace),
                _ => return Ok(None),
            },
        };
        // A person's key ends with their place in what it reaches.
        if let Some(user) = key.user_id
            && !people::reaches(&self.db, key.organisation_id, user, key.workspace_id).await?
        {
            return Ok(None);
        }
        let limited = [Some(key.id), key.workspace_id].into_iter().flatten();
        let limits = limits::load(&self.db, limited).await?;
        let is_former = key.hash != hash;
        let mut tenant = self.tenant(&key, &organisation, workspace, limits)?;
        if is_former {
            tenant.expires_at = [key.expires_at, key.former_until].into_iter().flatten().min();
        }
        Ok(Some(tenant))
    }

    fn tenant(
        &self,
        key: &api_key::Model,
        organisation: &organisation::Model,
        workspace: Option<workspace::Model>,
        limits: Vec<Limits>,
    ) -> Result<Tenant, DbErr> {
        let defaults = Defaults::in_workspace(key, workspace.as_ref())?.map(Arc::new);
        let kind = key.kind.parse();
        let kind = kind.map_err(|error| DbErr::Type(format!("kind of API key {}: {error}", key.id)))?;
        Ok(Tenant {
            workspace_id: key.workspace_id,
            workspace_slug: workspace.map(|workspace| workspace.slug),
            api_key_id: Some(key.id),
            user_id: key.user_id,
            kind,
            scopes: Scopes::from_json(&key.scopes),
            expires_at: key.expires_at,
            limits,
            defaults,
            ..Tenant::of_organisation(organisation, &self.plan_overrides, self.clock.now_ms())?
        })
    }
}

#[cfg(test)]
mod tests;
