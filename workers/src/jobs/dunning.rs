//! Restricts and then suspends who does not pay, each after its time.

use tenancy::notices::{Change, Channel};

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Counts who was restricted or suspended (`organisation`).
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: who was changed stays so.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    report.add("organisation", 0);
    let now_ms = parts.clock.now_ms();
    for change in payments::dunning::due(&parts.db, &parts.payments, now_ms).await? {
        let txn = lease.begin().await?;
        let before = payments::standing::change(&txn, &parts.ids, now_ms, &change).await?;
        txn.commit().await?;
        if let Some(before) = before {
            let (organisation_id, to) = (change.organisation_id, change.to);
            tracing::warn!(%organisation_id, %before, %to, "an organisation has not paid in time");
            report.add("organisation", 1);
            tell(parts, &Change::Organisation(organisation_id)).await;
        }
    }
    Ok(report)
}

/// Tells the processes that serve. Who is not told sees it when a key is looked up again, seconds later.
async fn tell(parts: &Parts, change: &Change) {
    let Some(url) = &parts.redis_url else { return };
    if let Err(error) = Channel::tell_once(url, change).await {
        tracing::warn!(%error, "servers were not told of a change of standing; they see it when they look keys up again");
    }
}
