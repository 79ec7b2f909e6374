//! Makes logs findable by the words of their prompts and answers: what waits in the outbox, some hundred logs a transaction.
//!
//! A row of the outbox ends in the transaction that writes its logs' words, so that what is killed is done again from its beginning, and
//! what was done is not done twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use logstore::content;
use logstore::text::{self, Found, Words};

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// How long a run goes on while there is work. The next is soon.
const RUN: Duration = Duration::from_secs(30);

/// The least that others get their turn for between two transactions, as in retention.
const PAUSE: Duration = Duration::from_millis(5);

/// Counts the logs that can be found from now on (`log_text`). Where that is not wanted, what waits is let go.
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was not written down is read again.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    report.add("log_text", 0);
    let until = Instant::now() + RUN;
    while let Some(waiting) = text::next(&parts.db).await? {
        let begun = Instant::now();
        let words = if parts.text_index {
            let found = text::contents(&parts.db, &waiting).await?;
            tokio::task::spawn_blocking(move || found.iter().filter_map(words_of).collect()).await?
        } else {
            Vec::new()
        };
        let txn = lease.begin().await?;
        report.add("log_text", text::write(&txn, &waiting, &words).await?);
        txn.commit().await?;
        if Instant::now() >= until {
            break;
        }
        // Half of the time is others': calls and their logs come first.
        tokio::time::sleep(begun.elapsed().max(PAUSE)).await;
    }
    Ok(report)
}

/// What a log is found by; none where it says nothing or cannot be read. Whatever it was sent stands in nobody's way.
fn words_of(found: &Found) -> Option<Words> {
    let read = || {
        let exchange = content::unpack(&found.content)?;
        let asked = providers::request_text(&exchange.request.body);
        let answered = providers::answer_text(&exchange.response.body, found.streamed);
        Ok::<_, content::Error>(text::words_of([&asked, &answered]))
    };
    let words = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(words)) => words,
        Ok(Err(error)) => {
            tracing::error!(log_id = %found.id, %error, "a log is not found by its words: its content is damaged");
            return None;
        }
        Err(_) => {
            tracing::error!(log_id = %found.id, "a log is not found by its words: its content could not be read");
            return None;
        }
    };
    (!words.is_empty()).then_some(Words { id: found.id, organisation_id: found.organisation_id, words })
}

#[cfg(test)]
mod tests;
