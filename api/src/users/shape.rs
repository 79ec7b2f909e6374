//! Somebody of an organisation on the wire.

use entity::membership;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::{Api, Error, db, instant};

#[derive(Serialize, ToSchema)]
#[schema(as = OrganisationUser)]
pub(crate) struct User {
    id: Uuid,
    first_name: String,
    last_name: String,
    email: String,
    /// `owner`, `admin` or `member`.
    role: String,
    /// When they came into the organisation.
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    /// The slugs of the workspaces that they are in. An owner and an admin reach the others too.
    workspace_ids: Vec<String>,
    /// Always `user`.
    object: &'static str,
}

impl User {
    /// In the order of the rows.
    pub async fn of(api: &Api, caller: &Caller, rows: Vec<membership::Model>) -> Result<Vec<Self>, Error> {
        let ids = || rows.iter().map(|row| row.user_id);
        let mut accounts = db::user::of(&api.db, ids()).await?;
        let mut workspaces = db::membership::workspaces(&api.db, &caller.scope, ids()).await?;
        let shape = |row: membership::Model| {
            let account = accounts.remove(&row.user_id)?;
            Some(Self {
                id: row.user_id,
                first_name: account.first_name,
                last_name: account.last_name,
                email: account.email,
                role: row.role,
                created_at: instant::iso(row.created_at),
                last_updated_at: instant::iso(row.last_updated_at),
                workspace_ids: workspaces.remove(&row.user_id).unwrap_or_default(),
                object: "user",
            })
        };
        Ok(rows.into_iter().filter_map(shape).collect())
    }
}
