//! Sends mail that is no alert. What was taken and not yet written down when a worker died is sent again, under the same id.

use alerts::{Mailer, Outcome, outbox};
use entity::mail;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Mails of a run: those that have been due for longest. The next run is soon.
const MAILS: u64 = 500;

/// Mails that are sent at a time.
const AT_A_TIME: usize = 16;

/// Counts the mails that were taken (`sent`), that were not (`failed`), and that came too late to be of use (`expired`).
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was not written down is sent again.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    let txn = lease.begin().await?;
    report.add("expired", outbox::expire(&txn, parts.clock.now_ms()).await?);
    txn.commit().await?;
    let (mut sent, mut failed) = (0, 0);
    let due = outbox::due(&parts.db, parts.clock.now_ms(), MAILS).await?;
    if !due.is_empty() {
        let mailer = Mailer::new(parts.smtp.url.as_ref(), parts.smtp.from.as_deref())?;
        let mailer = mailer.as_ref();
        let attempts = stream::iter(due).map(|mail| send(parts, lease, mailer, mail));
        let outcomes: Vec<bool> = attempts.buffer_unordered(AT_A_TIME).try_collect().await?;
        sent = outcomes.iter().filter(|is_sent| **is_sent).count() as u64;
        failed = outcomes.len() as u64 - sent;
    }
    report.add("sent", sent);
    report.add("failed", failed);
    Ok(report)
}

/// Whether it was taken.
async fn send(
    parts: &Parts,
    lease: &Lease,
    mailer: Option<&Mailer>,
    mail: mail::Model,
) -> Result<bool, Error> {
    let failed = |error: &str| Outcome::Failed { status: None, error: error.to_owned() };
    let outcome = match (mailer, outbox::open(&parts.vault, &mail)) {
        (Some(mailer), Some(letter)) => mailer.send(&letter, parts.clock.now_ms()).await,
        (None, _) => failed("this server has no mail server"),
        (_, None) => failed("it was sealed under another master key"),
    };
    let is_sent = matches!(outcome, Outcome::Delivered(_));
    let txn = lease.begin().await?;
    outbox::settle(&txn, &mail, outcome, parts.clock.now_ms()).await?;
    txn.commit().await?;
    Ok(is_sent)
}
