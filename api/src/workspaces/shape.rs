//! A workspace on the wire.

use entity::workspace;
use sea_orm::prelude::*;
use serde::Serialize;
use tenancy::WorkspaceDefaults;
use utoipa::ToSchema;

use super::defaults::Shown as Defaults;
use crate::limits::{self, RateShown, Shown as Limits, UsageShown};
use crate::members::WorkspaceUser;
use crate::{Api, Error, db, instant};

/// Members that are shown of a workspace: for more there is a list.
const MAX_USERS: u64 = 100;

#[derive(Serialize, ToSchema)]
pub(crate) struct Workspace {
    id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    defaults: Defaults,
    /// 1: it is the one that an organisation begins with.
    is_default: u8,
    usage_limits: Vec<UsageShown>,
    rate_limits: Vec<RateShown>,
    /// `active`, `exhausted` or `archived`.
    status: &'static str,
    /// Always `workspace`.
    object: &'static str,
}

/// A workspace, and who works in it.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkspaceWithUsers {
    #[serde(flatten)]
    workspace: Workspace,
    /// The newest 100 members.
    users: Vec<WorkspaceUser>,
}

impl Workspace {
    pub fn of(row: workspace::Model, limits: Limits) -> Result<Self, Error> {
        let defaults = WorkspaceDefaults::of(&row)?;
        Ok(Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            description: row.description,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            defaults: Defaults::of(defaults, row.is_default),
            is_default: row.is_default.into(),
            usage_limits: limits.usage,
            rate_limits: limits.rates,
            status: match (row.status.as_str(), limits.exhausted) {
                ("active", false) => "active",
                ("active", true) => "exhausted",
                _ => "archived",
            },
            object: "workspace",
        })
    }
}

impl WorkspaceWithUsers {
    pub async fn of(api: &Api, row: workspace::Model) -> Result<Self, Error> {
        let limits = limits::of(&api.db, [row.id], api.clock.now_ms()).await?.remove(&row.id);
        let users = db::workspace_member::newest(&api.db, &row, MAX_USERS).await?;
        let users = users.into_iter().map(WorkspaceUser::of).collect();
        Ok(Self { workspace: Workspace::of(row, limits.unwrap_or_default())?, users })
    }
}
