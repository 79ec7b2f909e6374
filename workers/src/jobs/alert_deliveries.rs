//! Sends alerts: makes the deliveries of those that are new, and attempts what is due.
//!
//! A delivery is made once for an alert and a destination. What was taken and not yet written down when a worker died is sent
//! again, under the same id.

use std::collections::HashMap;

use alerts::delivery::{self, Parcel};
use alerts::{Mailer, Outcome, Sender};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Alerts announced in a transaction.
const ALERTS: u64 = 100;

/// Deliveries of a run: those that have been due for longest. The next run is soon.
const DELIVERIES: u64 = 500;

/// Destinations that are asked at a time.
const AT_A_TIME: usize = 16;

/// Counts the alerts it announced (`announced`) and the attempts that were taken (`delivered`) and were not (`failed`).
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was not written down is sent again.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    for counted in ["announced", "delivered", "failed"] {
        report.add(counted, 0);
    }
    announce(parts, lease, &mut report).await?;
    let due = delivery::due(&parts.db, parts.clock.now_ms(), DELIVERIES).await?;
    if due.is_empty() {
        return Ok(report);
    }
    let mailer = Mailer::new(parts.smtp.url.as_ref(), parts.smtp.from.as_deref())?;
    let sender = Sender::new(parts.reach, parts.vault.clone(), mailer, parts.clock.clone());
    let sent = stream::iter(by_destination(due)).map(|due| send(parts, lease, &sender, due));
    let sent: Vec<Sent> = sent.buffer_unordered(AT_A_TIME).try_collect().await?;
    for Sent { delivered, failed } in sent {
        report.add("delivered", delivered);
        report.add("failed", failed);
    }
    Ok(report)
}

async fn announce(parts: &Parts, lease: &Lease, report: &mut Report) -> Result<(), Error> {
    loop {
        let txn = lease.begin().await?;
        let by_mail = parts.smtp.url.is_some();
        let n = delivery::announce(&txn, &parts.ids, parts.clock.now_ms(), by_mail, ALERTS).await?;
        txn.commit().await?;
        report.add("announced", n);
        if n < ALERTS {
            return Ok(());
        }
    }
}

/// In the order in which they are due.
fn by_destination(due: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut all: Vec<Vec<Parcel>> = Vec::new();
    for parcel in due {
        let next = all.len();
        let place = *places.entry(parcel.delivery.destination.clone()).or_insert(next);
        if place == next {
            all.push(Vec::new());
        }
        all[place].push(parcel);
    }
    all
}

/// What became of the attempts at a destination.
#[derive(Default)]
struct Sent {
    delivered: u64,
    failed: u64,
}

/// To one destination, one after the other, until one fails: the others then wait with it.
async fn send(parts: &Parts, lease: &Lease, sender: &Sender, due: Vec<Parcel>) -> Result<Sent, Error> {
    let mut sent = Sent::default();
    for parcel in due {
        let outcome = sender.send(&parcel).await;
        let delivered = matches!(outcome, Outcome::Delivered(_));
        let txn = lease.begin().await?;
        delivery::settle(&txn, &parcel.delivery, outcome, parts.clock.now_ms()).await?;
        txn.commit().await?;
        if !delivered {
            sent.failed += 1;
            break;
        }
        sent.delivered += 1;
    }
    Ok(sent)
}

#[cfg(test)]
mod tests;
