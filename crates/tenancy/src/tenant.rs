//! What a key or an access token identifies, and how far its queries reach.

use std::sync::Arc;

use limits::Limits;
use plans::Terms;
use uuid::Uuid;

use crate::{Defaults, KeyKind, OverQuota, Role, Scopes, Standing};

/// Whom a call is for and what it may do: what an API key or a person's access token identifies.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    pub organisation_id: Uuid,
    /// None: all of the organisation.
    pub workspace_id: Option<Uuid>,
    /// What the wire calls `workspace_id`.
    pub workspace_slug: Option<String>,
    /// None: a person.
    pub api_key_id: Option<Uuid>,
    /// The person, or whose key it is, for a [`KeyKind::WorkspaceUser`] one.
    pub user_id: Option<Uuid>,
    /// A person has that of the key that reaches as far: [`crate::Role::kind`].
    pub kind: KeyKind,
    /// None: a key.
    pub role: Option<Role>,
    pub scopes: Scopes,
    pub plan: plans::Plan,
    pub terms: Terms,
    pub standing: Standing,
    pub over_quota: OverQuota,
    /// The class that logs of calls with this key are stored under, as of now.
    pub retention_class: i16,
    /// Unix milliseconds; the key works before it.
    pub expires_at: Option<i64>,
    /// Of the key and of its workspace; mostly none.
    pub limits: Vec<Limits>,
    /// What calls of the key have unless they say otherwise; mostly none.
    pub defaults: Option<Arc<Defaults>>,
}

impl Tenant {
    /// How far this tenant's queries reach.
    #[must_use]
    pub fn scope(&self) -> TenantScope {
        TenantScope { organisation_id: self.organisation_id, workspace_id: self.workspace_id }
    }
}

/// How far a query may reach: an organisation, or one of its workspaces. Only [`Tenant::scope`] makes one, hence only an
/// authenticated call has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantScope {
    organisation_id: Uuid,
    workspace_id: Option<Uuid>,
}

impl TenantScope {
    #[must_use]
    pub fn organisation(&self) -> Uuid {
        self.organisation_id
    }

    /// None: every workspace of the organisation.
    #[must_use]
    pub fn workspace(&self) -> Option<Uuid> {
        self.workspace_id
    }

    /// This scope, narrowed to one workspace; `None` when that is another than the one it is narrowed to already.
    #[must_use]
    pub fn within(self, workspace_id: Uuid) -> Option<Self> {
        let reached = self.workspace_id.is_none_or(|own| own == workspace_id);
        reached.then_some(Self { workspace_id: Some(workspace_id), ..self })
    }
}
