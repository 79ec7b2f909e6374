//! What a key or an access token identifies, and how far its queries reach.

use std::sync::Arc;

use entity::organisation;
use limits::Limits;
use plans::Terms;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::{ColumnTrait, DbErr};
use uuid::Uuid;

use crate::{Defaults, KeyKind, OverQuota, PlanOverrides, Role, Scopes, Standing, WorkspaceRole, terms};

/// Whom a call is for and what it may do: what an API key or a person's access token identifies.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    pub organisation_id: Uuid,
    /// None: all of the organisation, or the workspaces that a person is in.
    pub workspace_id: Option<Uuid>,
    /// What the wire calls `workspace_id`.
    pub workspace_slug: Option<String>,
    /// What a person is a member of who is no owner or admin; a key has none.
    pub memberships: Vec<Membership>,
    /// None: a person.
    pub api_key_id: Option<Uuid>,
    /// The person, or whose key it is, for a [`KeyKind::WorkspaceUser`] one.
    pub user_id: Option<Uuid>,
    /// A person has that of the key that reaches as far: [`crate::Role::kind`].
    pub kind: KeyKind,
    /// None: a key.
    pub role: Option<Role>,
    /// Of a person with memberships, in any of them.
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

/// A person's place in a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub workspace_id: Uuid,
    pub slug: String,
    pub role: WorkspaceRole,
}

impl Tenant {
    /// Somebody of the organisation who reaches and may nothing: what all have in common, as it is now.
    ///
    /// # Errors
    /// [`DbErr::Type`] when the organisation's row is not as we write it.
    pub(crate) fn of_organisation(
        organisation: &organisation::Model,
        plan_overrides: &PlanOverrides,
        now_ms: i64,
    ) -> Result<Self, DbErr> {
        let (plan, terms) = terms(organisation, plan_overrides, now_ms)?;
        Ok(Self {
            organisation_id: organisation.id,
            workspace_id: None,
            workspace_slug: None,
            memberships: Vec::new(),
            api_key_id: None,
            user_id: None,
            kind: KeyKind::WorkspaceUser,
            role: None,
            scopes: Scopes::NONE,
            plan,
            retention_class: plans::retention_class(&terms, now_ms),
            terms,
            standing: Standing::of(organisation)?,
            over_quota: OverQuota::of(organisation)?,
            expires_at: None,
            limits: Vec::new(),
            defaults: None,
        })
    }

    /// How far this tenant's queries reach.
    #[must_use]
    pub fn scope(&self) -> TenantScope {
        self.scope_where(|_| true)
    }

    /// The same, in those workspaces only where a person's role has `fit` scopes. Of a key, and of who is not bound to workspaces, the
    /// scopes are the same everywhere, and not asked for.
    #[must_use]
    pub fn scope_where(&self, fit: impl Fn(Scopes) -> bool) -> TenantScope {
        let workspaces = match (self.role, self.workspace_id) {
            (Some(Role::Member), _) => {
                let fit = self.memberships.iter().filter(|of| fit(of.role.scopes()));
                Workspaces::of(fit.map(|of| of.workspace_id))
            }
            (_, Some(id)) => Workspaces::One(id),
            (_, None) => Workspaces::All,
        };
        TenantScope { organisation_id: self.organisation_id, workspaces }
    }

    /// What the wire calls a workspace that the tenant is bound to.
    #[must_use]
    pub fn slug_of(&self, workspace_id: Uuid) -> Option<&str> {
        if self.workspace_id == Some(workspace_id) {
            return self.workspace_slug.as_deref();
        }
        self.memberships.iter().find(|of| of.workspace_id == workspace_id).map(|of| of.slug.as_str())
    }

    /// What the tenant may in this workspace.
    #[must_use]
    pub fn scopes_in(&self, workspace_id: Uuid) -> Scopes {
        match self.role {
            Some(Role::Member) => {
                let of = self.memberships.iter().find(|of| of.workspace_id == workspace_id);
                of.map_or(Scopes::NONE, |of| of.role.scopes())
            }
            _ => self.scopes,
        }
    }
}

/// How far a query may reach: an organisation, or some of its workspaces. [`Tenant::scope`] makes one, for an authenticated call, and
/// [`TenantScope::of_workspace`], for what such a call has asked to be done later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantScope {
    organisation_id: Uuid,
    workspaces: Workspaces,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Workspaces {
    All,
    One(Uuid),
    /// None or several.
    These(Arc<[Uuid]>),
}

impl Workspaces {
    fn of(ids: impl Iterator<Item = Uuid>) -> Self {
        let ids: Arc<[Uuid]> = ids.collect();
        match *ids {
            [id] => Self::One(id),
            _ => Self::These(ids),
        }
    }
}

impl TenantScope {
    /// One workspace: for a job that does what was asked within it.
    #[must_use]
    pub fn of_workspace(organisation_id: Uuid, workspace_id: Uuid) -> Self {
        Self { organisation_id, workspaces: Workspaces::One(workspace_id) }
    }

    #[must_use]
    pub fn organisation(&self) -> Uuid {
        self.organisation_id
    }

    /// The workspace, if it is one alone that is reached.
    #[must_use]
    pub fn workspace(&self) -> Option<Uuid> {
        match self.workspaces {
            Workspaces::One(id) => Some(id),
            Workspaces::All | Workspaces::These(_) => None,
        }
    }

    /// Whether no workspace is reached.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        matches!(&self.workspaces, Workspaces::These(ids) if ids.is_empty())
    }

    /// Whether every workspace of the organisation is reached, those too that are made later.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.workspaces == Workspaces::All
    }

    #[must_use]
    pub fn reaches(&self, workspace_id: Uuid) -> bool {
        match &self.workspaces {
            Workspaces::All => true,
            Workspaces::One(id) => *id == workspace_id,
            Workspaces::These(ids) => ids.contains(&workspace_id),
        }
    }

    /// What a workspace's `column` has to be, for a filter beside that by the organisation; none where all are reached.
    #[must_use]
    pub fn only(&self, column: impl ColumnTrait) -> Option<SimpleExpr> {
        match &self.workspaces {
            Workspaces::All => None,
            Workspaces::One(id) => Some(column.eq(*id)),
            Workspaces::These(ids) => Some(column.is_in(ids.iter().copied())),
        }
    }

    /// This scope, narrowed to one workspace; `None` when that is not within it.
    #[must_use]
    pub fn within(&self, workspace_id: Uuid) -> Option<Self> {
        let narrowed =
            || Self { organisation_id: self.organisation_id, workspaces: Workspaces::One(workspace_id) };
        self.reaches(workspace_id).then(narrowed)
    }
}
