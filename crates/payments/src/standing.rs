//! Changing whether an organisation counts as one that pays.

use alerts::{Alert, Kind};
use clock::{Ids, iso};
use entity::organisation;
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, Set};
use serde_json::json;
use tenancy::Standing;
use tenancy::audit::{self, Actor, Entry};
use tenancy::organisation::hold;

/// A change to make.
#[derive(Clone, Debug)]
pub struct Change {
    pub organisation_id: Uuid,
    /// Only from one of these.
    pub from: &'static [Standing],
    pub to: Standing,
    pub actor: Actor,
    /// What it is because of, as `invoice.paid`.
    pub because: &'static str,
}

/// Makes it, with its entry and its alert, and gives what it was before; `None`: nothing changes. Caches are not told.
///
/// # Errors
/// [`DbErr`] when the database fails; [`DbErr::RecordNotFound`] when there is no such organisation.
pub async fn change(
    txn: &impl ConnectionTrait,
    ids: &Ids,
    now_ms: i64,
    change: &Change,
) -> Result<Option<Standing>, DbErr> {
    let Change { organisation_id, from, to, actor, because } = change;
    let row = hold(txn, *organisation_id).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound(format!("organisation {organisation_id}")))?;
    let before = Standing::of(&row)?;
    if before == *to || !from.contains(&before) {
        return Ok(None);
    }
    let set = organisation::ActiveModel {
        standing: Set(to.as_str().to_owned()),
        standing_since: Set(Some(now_ms)),
        ..Default::default()
    };
    organisation::Entity::update_many()
        .set(set)
        .filter(organisation::Column::Id.eq(*organisation_id))
        .exec(txn)
        .await?;
    let what = json!({"from": before.as_str(), "to": to.as_str(), "because": because});
    let entry = Entry {
        organisation_id: *organisation_id,
        workspace_id: None,
        author: (*actor).into(),
        action: "standing.change",
        subject: None,
        change: what.clone(),
    };
    audit::write(txn, ids, now_ms, entry).await?;
    let alert = Alert {
        organisation_id: *organisation_id,
        kind: Kind::Standing,
        subject: String::new(),
        // Each change is told.
        period: iso(now_ms),
        threshold: 0,
        data: what,
    };
    alerts::raise(txn, ids, now_ms, alert).await?;
    Ok(Some(before))
}
