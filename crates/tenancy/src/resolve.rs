//! From a name to what an organisation has under it.

use std::sync::Arc;

use sea_orm::DbErr;
use sea_orm::prelude::Uuid;

use crate::cache::Cache;

/// Why a slug gives nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// There is none of this name within reach: the same whether or not another workspace has it.
    #[error("there is none of this name")]
    Unknown,
    #[error("names cannot be looked up at the moment")]
    Unavailable,
}

impl<V: Send + Sync + 'static> Cache<(Uuid, String), V> {
    /// What the organisation has under `name`, through `load` where it has to be looked up. Which workspaces it is for is the
    /// caller's to check.
    ///
    /// # Errors
    /// [`ResolveError`]; `Unavailable` only when nothing recent stands in for a failing database.
    pub(crate) async fn named<F>(
        &self,
        organisation: Uuid,
        name: &str,
        load: impl FnOnce() -> F,
    ) -> Result<Arc<V>, ResolveError>
    where
        F: Future<Output = Result<Option<V>, DbErr>>,
    {
        if name.contains('\0') {
            return Err(ResolveError::Unknown); // PostgreSQL refuses even to look for one.
        }
        let key = (organisation, name.to_owned());
        if let Some(found) = self.fresh(&key) {
            return Ok(found);
        }
        // Rare and large: in a box it is not part of every call's future.
        let found = self.get(key, Box::pin(load())).await.map_err(|_| ResolveError::Unavailable)?;
        found.ok_or(ResolveError::Unknown)
    }
}
