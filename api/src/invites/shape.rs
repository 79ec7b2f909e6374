//! An invite on the wire.

use std::collections::HashMap;

use entity::invite;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use tenancy::people::invite_places;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::db::invite::Status;
use crate::{Api, Error, db, instant};

#[derive(Serialize, ToSchema)]
pub(crate) struct Invite {
    id: Uuid,
    email: String,
    /// `admin` or `member`.
    role: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    expires_at: String,
    #[schema(format = DateTime)]
    accepted_at: Option<String>,
    /// `pending`, `cancelled`, `accepted` or `expired`.
    status: &'static str,
    /// The person or the key.
    invited_by: Option<Uuid>,
    workspaces: Vec<InvitePlace>,
    /// Always `invite`.
    object: &'static str,
}

/// A workspace that comes with an invite.
#[derive(Serialize, ToSchema)]
struct InvitePlace {
    /// Its slug.
    workspace_id: String,
    /// `admin`, `manager` or `member`.
    role: &'static str,
}

impl Invite {
    /// In the order of the rows.
    pub async fn of(api: &Api, caller: &Caller, rows: Vec<invite::Model>) -> Result<Vec<Self>, Error> {
        let mut places = Vec::new();
        for row in &rows {
            places.push(invite_places(row)?);
        }
        let named = places.iter().flatten().map(|place| place.workspace_id);
        let slugs: HashMap<Uuid, String> = db::workspace::slugs(&api.db, &caller.scope, named).await?;
        let now_ms = api.clock.now_ms();
        let shape = |(row, places): (invite::Model, Vec<tenancy::people::Place>)| {
            let place = |place: tenancy::people::Place| {
                let workspace_id = slugs.get(&place.workspace_id)?.clone();
                Some(InvitePlace { workspace_id, role: place.role.as_str() })
            };
            Self {
                status: Status::of(&row, now_ms).as_str(),
                id: row.id,
                email: row.email,
                role: row.role,
                created_at: instant::iso(row.created_at),
                expires_at: instant::iso(row.expires_at),
                accepted_at: row.accepted_at.map(instant::iso),
                invited_by: row.invited_by,
                workspaces: places.into_iter().filter_map(place).collect(),
                object: "invite",
            }
        };
        Ok(rows.into_iter().zip(places).map(shape).collect())
    }
}
