use std::str::FromStr;

use entity::invite::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{Condition, ExprTrait as _, IntoActiveModel, QueryOrder, QueryTrait, Select};
use tenancy::{Role, TenantScope};

use crate::paging::Paging;

/// What has become of an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Cancelled,
    Accepted,
    Expired,
}

impl Status {
    const ALL: [Self; 4] = [Self::Pending, Self::Cancelled, Self::Accepted, Self::Expired];

    pub fn of(row: &Model, now_ms: i64) -> Self {
        match (row.accepted_at, row.cancelled_at) {
            (Some(_), _) => Self::Accepted,
            (None, Some(_)) => Self::Cancelled,
            (None, None) if row.expires_at <= now_ms => Self::Expired,
            (None, None) => Self::Pending,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Cancelled => "cancelled",
            Self::Accepted => "accepted",
            Self::Expired => "expired",
        }
    }

    /// The same, said to the database.
    fn condition(self, now_ms: i64) -> Condition {
        let open = Condition::all().add(Column::AcceptedAt.is_null()).add(Column::CancelledAt.is_null());
        match self {
            Self::Pending => open.add(Column::ExpiresAt.gt(now_ms)),
            Self::Expired => open.add(Column::ExpiresAt.lte(now_ms)),
            Self::Accepted => Condition::all().add(Column::AcceptedAt.is_not_null()),
            Self::Cancelled => {
                Condition::all().add(Column::AcceptedAt.is_null()).add(Column::CancelledAt.is_not_null())
            }
        }
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.as_str() == name).ok_or(())
    }
}

/// Which invites.
#[derive(Default)]
pub(crate) struct Wanted {
    pub role: Option<Role>,
    pub email: Option<String>,
    pub status: Option<Status>,
}

impl Wanted {
    fn within(self, scope: &TenantScope, now_ms: i64) -> Select<Entity> {
        within(scope)
            .apply_if(self.role, |rows, role| rows.filter(Column::Role.eq(role.as_str())))
            .apply_if(self.email, |rows, email| rows.filter(Column::Email.eq(email)))
            .apply_if(self.status, |rows, status| rows.filter(status.condition(now_ms)))
    }
}

/// A page of invites, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    wanted: Wanted,
    now_ms: i64,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = wanted.within(scope, now_ms);
    paging.read(db, rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id)).await
}

pub(crate) async fn count(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    wanted: Wanted,
    now_ms: i64,
) -> Result<u64, DbErr> {
    wanted.within(scope, now_ms).count(db).await
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    within(scope).filter(Column::Id.eq(id)).one(db).await
}

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

/// Changes what `change` sets.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<(), DbErr> {
    let this = Column::OrganisationId.eq(scope.organisation()).and(Column::Id.eq(id));
    Entity::update_many().set(change).filter(this).exec(db).await.map(|_| ())
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find().filter(Column::OrganisationId.eq(scope.organisation()))
}
