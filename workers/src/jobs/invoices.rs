//! Makes drafts final once their grace is over.

use billing::Finalised;
use clock::Ids;

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Makes every draft final whose month ended 24 hours ago, each in a transaction of its own.
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what is final stays. One that cannot be made is in the way of no other.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let (now_ms, ids) = (parts.clock.now_ms(), Ids::new(parts.clock.clone()));
    let mut report = Report::default();
    let mut failed = None;
    for id in billing::ripe(&parts.db, now_ms).await? {
        let txn = lease.begin().await?;
        match billing::finalise(&txn, &ids, now_ms, &parts.plan_overrides, id).await {
            Ok(done) => {
                txn.commit().await?;
                match done {
                    Finalised::Numbered(_) => report.add("finalised", 1),
                    Finalised::Dropped => report.add("dropped", 1),
                    Finalised::Before => {}
                }
            }
            Err(error) => {
                txn.rollback().await?;
                tracing::error!(invoice_id = %id, %error, "an invoice could not be made final");
                failed = Some(error);
            }
        }
    }
    report.add("finalised", 0);
    failed.map_or(Ok(report), |error| Err(error.into()))
}
