//! Tells whose API keys are due to have another secret, once for each turn; the next turn is the policy's.

use alerts::{Alert, Kind};
use clock::iso;
use entity::api_key::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{QueryOrder as _, QuerySelect as _, Set};
use serde_json::json;
use tenancy::RotationPolicy;

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Keys of a transaction.
const KEYS: u64 = 100;

/// Counts the keys that were told of (`key`).
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was told stays so.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    report.add("key", 0);
    loop {
        let (now_ms, txn) = (parts.clock.now_ms(), lease.begin().await?);
        let due = Entity::find()
            .filter(Column::NextRotationAt.lte(now_ms))
            .filter(Column::Status.eq("active"))
            .order_by_asc(Column::NextRotationAt)
            .limit(KEYS)
            .all(&txn)
            .await?;
        for key in &due {
            tell(&txn, parts, key, now_ms).await?;
        }
        txn.commit().await?;
        report.add("key", due.len() as u64);
        if (due.len() as u64) < KEYS {
            return Ok(report);
        }
    }
}

async fn tell(txn: &impl ConnectionTrait, parts: &Parts, key: &Model, now_ms: i64) -> Result<(), DbErr> {
    let next = RotationPolicy::of(key)?.map(|policy| policy.rotation_period.next_after(now_ms));
    let moved = Entity::update_many()
        .set(ActiveModel { next_rotation_at: Set(next), ..Default::default() })
        .filter(Column::Id.eq(key.id))
        // Its policy may just have been changed.
        .filter(Column::NextRotationAt.eq(key.next_rotation_at))
        .exec(txn)
        .await?;
    let Some(due_ms) = key.next_rotation_at.filter(|_| moved.rows_affected == 1) else { return Ok(()) };
    let alert = Alert {
        organisation_id: key.organisation_id,
        kind: Kind::Rotation,
        subject: format!("key:{}", key.id),
        period: iso(due_ms),
        threshold: 0,
        data: json!({"name": key.name, "due_at": iso(due_ms), "next_rotation_at": next.map(iso)}),
    };
    alerts::raise(txn, &parts.ids, now_ms, alert).await?;
    Ok(())
}
