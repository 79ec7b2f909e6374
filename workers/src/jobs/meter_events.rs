//! Tells the payment provider of each finished block of overage, until it has acknowledged it.

use payments::outbox::{self, Due, Tried};
use payments::{Failure, Stripe};

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Events of a run; the next is soon.
const EVENTS: u64 = 200;

/// Counts the blocks that were found finished (`entered`), the events that were acknowledged (`acknowledged`, those among them that
/// were so before as `duplicate` too) and that were not (`failed`), and those that wait for a customer (`without_customer`). Without a
/// key in the settings nothing is done.
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was sent and not written down is sent again, as the same.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    let Some(stripe) = Stripe::new(&parts.payments)? else { return Ok(report) };
    for counted in ["entered", "acknowledged", "duplicate", "failed"] {
        report.add(counted, 0);
    }
    enter(parts, lease, &mut report).await?;
    for due in outbox::due(&parts.db, parts.clock.now_ms(), EVENTS).await? {
        // One after the other: Stripe takes one call at a time for a customer and a meter.
        let tried = send(parts, lease, &stripe, due).await?;
        match tried {
            Tried::Acknowledged => report.add("acknowledged", 1),
            Tried::Duplicate => {
                report.add("acknowledged", 1);
                report.add("duplicate", 1);
            }
            Tried::Failed(failure) => {
                report.add("failed", 1);
                // The others would fare no better: they wait for the next run.
                if failure.is_of_all() {
                    break;
                }
            }
        }
    }
    let waiting = outbox::without_customer(&parts.db).await?;
    report.add("without_customer", waiting);
    if waiting > 0 && report.count("entered") > Some(0) {
        tracing::warn!(
            waiting,
            "blocks wait for their organisation to be a customer: see turnpike org customer"
        );
    }
    Ok(report)
}

async fn enter(parts: &Parts, lease: &Lease, report: &mut Report) -> Result<(), Error> {
    loop {
        let txn = lease.begin().await?;
        let (entered, more) = outbox::enter(&txn, parts.clock.now_ms()).await?;
        txn.commit().await?;
        report.add("entered", entered);
        if !more {
            return Ok(());
        }
    }
}

async fn send(parts: &Parts, lease: &Lease, stripe: &Stripe, mut due: Due) -> Result<Tried, Error> {
    let txn = lease.begin().await?;
    outbox::begin(&txn, &mut due, parts.clock.now_ms()).await?;
    txn.commit().await?;
    let tried = outbox::attempt(stripe, &parts.payments.stripe_meter_event_name, &due).await;
    let txn = lease.begin().await?;
    outbox::settle(&txn, &due.event, &tried, parts.clock.now_ms()).await?;
    txn.commit().await?;
    tell(parts, &due, &tried);
    Ok(tried)
}

fn tell(parts: &Parts, due: &Due, tried: &Tried) {
    let identifier = due.event.identifier.as_str();
    if tried.doubtful(&due.event, parts.clock.now_ms()) {
        tracing::warn!(identifier, "a meter event was sent a day ago first; see that Stripe has it once");
    }
    match tried {
        Tried::Failed(failure @ (Failure::Refused { .. } | Failure::Forbidden { .. })) => {
            tracing::error!(identifier, %failure, "Stripe refuses a meter event; it is tried again");
        }
        Tried::Failed(failure) => tracing::warn!(identifier, %failure, "a meter event is tried again"),
        Tried::Acknowledged | Tried::Duplicate => {}
    }
}
