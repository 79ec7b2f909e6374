//! Closes months that have ended: drafts of their invoices, also of those that were missed. Changes of plan whose notice is
//! over are settled on the way.

use clock::Ids;

use super::retention::organisations_after;
use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Makes a draft for every organisation and month that has ended and has something to bill and no invoice.
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was drafted stays.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let (now_ms, ids) = (parts.clock.now_ms(), Ids::new(parts.clock.clone()));
    let mut report = Report::default();
    for organisation in tenancy::organisation::with_change_past_notice(&parts.db, now_ms).await? {
        let txn = lease.begin().await?;
        tenancy::organisation::settle_past_notice(&txn, organisation, now_ms)
            .await
            .map_err(billing::Error::from)?;
        txn.commit().await?;
        report.add("plan_changes", 1);
    }
    let mut last = None;
    loop {
        let page = organisations_after(parts, last).await?;
        let of_plans = &parts.plan_overrides;
        for (organisation, month) in billing::unbilled(&parts.db, now_ms, of_plans, &page).await? {
            let txn = lease.begin().await?;
            let made = billing::draft(&txn, &ids, now_ms, of_plans, organisation, month).await?;
            txn.commit().await?;
            report.add("drafts", u64::from(made));
        }
        match page.last() {
            Some(organisation) => last = Some(organisation.id),
            None => break,
        }
    }
    report.add("drafts", 0);
    Ok(report)
}

#[cfg(test)]
mod tests;
