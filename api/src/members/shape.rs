//! A member on the wire.

use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::Value;
use tenancy::WorkspaceRole;
use utoipa::ToSchema;

use crate::db::workspace_member;
use crate::{Error, instant};

/// A member of a workspace, in short.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkspaceUser {
    id: Uuid,
    first_name: String,
    last_name: String,
    email: String,
    /// In the organisation: `owner`, `admin` or `member`.
    org_role: String,
    /// In the workspace: `admin`, `manager` or `member`.
    role: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    /// Always `active`.
    status: &'static str,
}

/// The same, and what they may.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkspaceMember)]
pub(crate) struct Member {
    /// Always `workspace-user`.
    object: &'static str,
    #[serde(flatten)]
    user: WorkspaceUser,
    /// The workspace's slug.
    workspace_id: String,
    /// What the role permits in the workspace.
    scopes: Vec<&'static str>,
    /// None yet.
    settings: Option<Value>,
}

impl WorkspaceUser {
    pub fn of(member: workspace_member::Member) -> Self {
        Self {
            id: member.user.id,
            first_name: member.user.first_name,
            last_name: member.user.last_name,
            email: member.user.email,
            org_role: member.role,
            role: member.row.role,
            created_at: instant::iso(member.row.created_at),
            last_updated_at: instant::iso(member.row.last_updated_at),
            status: "active",
        }
    }
}

impl Member {
    pub fn of(member: workspace_member::Member, slug: &str) -> Result<Self, Error> {
        let role: WorkspaceRole = member.row.role.parse().map_err(Error::internal)?;
        Ok(Self {
            object: "workspace-user",
            user: WorkspaceUser::of(member),
            workspace_id: slug.to_owned(),
            scopes: role.scopes().iter().map(tenancy::Scope::as_str).collect(),
            settings: None,
        })
    }
}
