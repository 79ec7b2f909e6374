//! Who gets an alert by e-mail: the organisation's owners, of a budget its admins too (L314 of the contract), and of an API key
//! whoever made it and whom it names.

use std::collections::BTreeSet;

use entity::{alert, api_key, membership, user};
use sea_orm::prelude::*;
use sea_orm::sea_query::Query;

use crate::Kind;

/// The addresses, each once.
pub(crate) async fn of(txn: &impl ConnectionTrait, alert: &alert::Model) -> Result<BTreeSet<String>, DbErr> {
    let roles: &[&str] = if Kind::of(alert) == Some(Kind::Budget) { &["owner", "admin"] } else { &["owner"] };
    let in_roles = membership::Column::Role.is_in(roles.iter().copied());
    let mut all = addresses(txn, alert.organisation_id, in_roles).await?;
    if let Some(key) = key(txn, alert).await? {
        let named = key.alert_emails.as_ref().and_then(Json::as_array);
        all.extend(named.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned));
        let people: Vec<Uuid> = [key.created_by, key.user_id].into_iter().flatten().collect();
        all.extend(addresses(txn, alert.organisation_id, membership::Column::UserId.is_in(people)).await?);
    }
    Ok(all)
}

/// The key that it is about, while that is at work.
async fn key(txn: &impl ConnectionTrait, alert: &alert::Model) -> Result<Option<api_key::Model>, DbErr> {
    let Some(id) = alert.subject.strip_prefix("key:").and_then(|id| id.parse::<Uuid>().ok()) else {
        return Ok(None);
    };
    api_key::Entity::find_by_id(id)
        .filter(api_key::Column::OrganisationId.eq(alert.organisation_id))
        .filter(api_key::Column::Status.eq("active"))
        .one(txn)
        .await
}

/// Of those members of the organisation.
async fn addresses(
    txn: &impl ConnectionTrait,
    organisation: Uuid,
    which: Expr,
) -> Result<BTreeSet<String>, DbErr> {
    let members = Query::select()
        .column(membership::Column::UserId)
        .from(membership::Entity)
        .and_where(membership::Column::OrganisationId.eq(organisation))
        .and_where(which)
        .to_owned();
    let rows = user::Entity::find().filter(user::Column::Id.in_subquery(members)).all(txn).await?;
    Ok(rows.into_iter().map(|row| row.email).collect())
}
