//! From the spool into the store, batch by batch.
//!
//! A batch is a range of one spool segment, fixed on disk before anything is counted for it, so that after any failure
//! the same records come again under the same name: the ledger grants them once, the store takes them in once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::Clock;
use logstore::append::{self, Rules};
use logstore::exports::Exports;
use logstore::spending::{self, Limited};
use logstore::{Appended, Entry, MeterKey, Packer, Tally};
use plans::{Month, Terms};
use pricing::{Book, Current};
use quota::{BatchId, Key, Ledger, Reserved};
use sea_orm::prelude::*;
use spool::{Batch, Drain};
use telemetry::Metrics;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field};

use crate::prepare::{Prepared, prepare};
use crate::{TermsOf, Unrecorded, row};

/// The longest wait between two tries of one batch.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// How long what is left is tried at the end. A connection that a thread opened which has ended by then fails once, and the next
/// try has another; a store that is away is not waited for.
const LAST_TRIES: Duration = Duration::from_secs(2);

/// Calls kept to tell the ledger of limits of, once it answers again: any of a subject tells all that it has spent.
const MAX_UNSETTLED: usize = 10_000;

/// How much is shipped at a time.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Records a batch at the most.
    pub batch_records: usize,
    /// Bytes of records a batch at the most, but for a single larger one.
    pub batch_bytes: usize,
    /// What is left to gather after a batch that was not full.
    pub linger: Duration,
    /// Whether logs are to be found by the words of their content.
    pub searchable: bool,
}

/// What a drain brought into the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shipped {
    pub batches: u64,
    /// Batches that had been taken in before.
    pub batches_before: u64,
    pub recorded: u64,
    pub dropped: u64,
    pub expired: u64,
    pub repeated: u64,
    /// Logs that the store refuses for what is in them, even without their content.
    pub refused: u64,
    /// Records that could not be decoded.
    pub unreadable: u64,
}

/// Why a batch is not in the store yet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the batch could not be appended")]
    Append(#[from] append::Error),
    #[error("the quota ledger failed")]
    Ledger(#[from] quota::Error),
    #[error("the prices cannot be read")]
    Prices(#[from] pricing::Error),
    #[error("the spool failed")]
    Spool(#[from] spool::Error),
    #[error("the batch could not be prepared")]
    Prepare(#[from] tokio::task::JoinError),
    #[error("the compressor could not be set up")]
    Pack(#[from] logstore::content::Error),
}

/// What a shipper works with.
pub struct Parts {
    pub drain: Drain,
    pub db: DatabaseConnection,
    pub ledger: Arc<dyn Ledger>,
    /// Where calls have reserved what they might use of budgets and rate limits.
    pub limits: Arc<dyn limits::Ledger>,
    pub clock: Clock,
    pub terms: TermsOf,
    /// What calls are costed by: known before the first log is.
    pub prices: Current,
    pub unrecorded: Unrecorded,
    pub options: Options,
    pub metrics: Metrics,
}

/// The single consumer of a spool.
pub struct Shipper {
    parts: Parts,
    /// Kept from batch to batch, for it is large.
    packer: Option<Packer>,
    /// The ledger failed when it was asked last.
    ledger_fails: bool,
    /// The ledger of limits failed when it was told something last.
    limits_fail: bool,
    /// Calls whose limits the ledger could not be told of.
    unsettled: Vec<spending::Call>,
}

impl Shipper {
    /// Does nothing until it is run or told to drain.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self { parts, packer: None, ledger_fails: false, limits_fail: false, unsettled: Vec::new() }
    }

    /// Ships until `stop`, then what is left, as far as the store takes it within two seconds.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut flush = tokio::time::interval(Duration::from_secs(1));
        loop {
            let next =
                self.parts.drain.next(self.parts.options.batch_records, self.parts.options.batch_bytes);
            let batch = tokio::select! {
                batch = next => batch,
                _ = flush.tick() => {
                    self.flush_unrecorded().await;
                    self.settle_limits_again().await;
                    self.look_at_prices().await;
                    continue;
                }
                () = stop.cancelled() => break,
            };
            match batch {
                Ok(batch) => self.ship_until_in(&batch, &stop).await,
                Err(error) => {
                    tracing::error!(%error, "the spool cannot be read; trying again");
                    tokio::time::sleep(MAX_BACKOFF).await;
                }
            }
        }
        self.drain_at_the_end().await;
    }

    /// For estimates, while no batch comes. What fails is tried with the next batch, which waits for it.
    async fn look_at_prices(&self) {
        if let Err(error) = self.parts.prices.fresh(&self.parts.db, self.parts.clock.now_ms()).await {
            tracing::debug!(%error, "the prices cannot be read");
        }
    }

    async fn drain_at_the_end(&mut self) {
        let begun = Instant::now();
        let mut backoff = Duration::from_millis(5);
        loop {
            match self.drain_now().await {
                Ok(shipped) => return tracing::debug!(?shipped, "the spool is drained"),
                Err(error) if begun.elapsed() + backoff > LAST_TRIES => {
                    return tracing::warn!(%error, "logs are left in the spool for the next start");
                }
                Err(error) => tracing::debug!(%error, "what is left in the spool is tried once more"),
            }
            tokio::time::sleep(backoff).await;
            backoff *= 2;
        }
    }

    /// Ships all that is in the spool now.
    ///
    /// # Errors
    /// [`Error`] at the first batch that does not go in; it is safe to call again.
    pub async fn drain_now(&mut self) -> Result<Shipped, Error> {
        let mut shipped = Shipped::default();
        while let Some(batch) =
            self.parts.drain.try_next(self.parts.options.batch_records, self.parts.options.batch_bytes)?
        {
            shipped.add(self.ship(&batch).await?);
            self.parts.drain.forget(&batch)?;
        }
        self.flush_unrecorded().await;
        Ok(shipped)
    }

    async fn ship_until_in(&mut self, batch: &Batch, stop: &CancellationToken) {
        let mut backoff = Duration::from_millis(50);
        loop {
            let shipped = match self.ship(batch).await {
                Ok(shipped) => self.parts.drain.forget(batch).map(|()| shipped).map_err(Error::from),
                Err(error) => Err(error),
            };
            let wait = match shipped {
                Ok(_) if batch.records.len() >= self.parts.options.batch_records => return,
                Ok(_) => self.parts.options.linger,
                Err(ref error) => {
                    tracing::warn!(%error, source = ?std::error::Error::source(error), backoff_ms = backoff.as_millis(), "a batch waits for the store");
                    backoff
                }
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
            if shipped.is_ok() {
                return;
            }
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// One try of a batch, told as a span and in numbers.
    async fn ship(&mut self, batch: &Batch) -> Result<Shipped, Error> {
        let (records, bytes) =
            (batch.records.len() as u64, batch.records.iter().map(|r| r.len() as u64).sum());
        let span = tracing::info_span!(
            "ship",
            records,
            bytes,
            outcome = field::Empty,
            otel.status_code = field::Empty
        );
        let begun = Instant::now();
        let shipped = self.bring_in(batch).instrument(span.clone()).await;
        match &shipped {
            Ok(shipped) => {
                span.record("outcome", if shipped.batches_before > 0 { "in before" } else { "in" });
                self.parts.metrics.batch_shipped(records, bytes, begun.elapsed());
                shipped.count(&self.parts.metrics);
            }
            Err(error) => {
                failed(&span, error);
                self.parts.metrics.batch_failed(begun.elapsed());
            }
        }
        shipped
    }

    async fn bring_in(&mut self, batch: &Batch) -> Result<Shipped, Error> {
        let book = self.parts.prices.fresh(&self.parts.db, self.parts.clock.now_ms()).await?;
        let Prepared { entries, late, unreadable } = self.prepare(batch, &book).await?;
        let wanted = wanted(&entries);
        let terms = self.parts.terms_of(wanted.keys()).await?;
        let mut calls: Vec<_> = entries.iter().filter_map(|entry| spending::Call::of(&entry.log)).collect();
        let limited = Limited::load(&self.parts.db, &calls).await?;
        calls.retain(|call| limited.is_about(call));
        let organisations = wanted.keys().map(|(organisation, _)| *organisation);
        let organisations = organisations.chain(late.iter().map(|late| late.organisation_id));
        let exports = Exports::load(&self.parts.db, organisations).await?;
        let reserved = self.reserve(batch, &wanted, &terms).await;
        self.without_ledger_if_need_be(reserved)?;
        let mut shipped = Shipped { batches: 1, unreadable, ..Shipped::default() };
        let terms_of = |key: MeterKey| terms.get(&key).copied();
        let searchable = self.parts.options.searchable;
        let rules = Rules { terms: &terms_of, limited: &limited, exports: &exports, searchable };
        match self.append(batch, (entries, late), rules, &book).await? {
            Appended::Before => {
                shipped.batches_before = 1;
                let settled = self.settle_again(batch, wanted.into_keys()).await;
                self.without_ledger_if_need_be(settled)?;
            }
            Appended::Now(tallies) => {
                for (key, tally) in tallies {
                    let settled = self.settle(batch, key, tally).await;
                    self.without_ledger_if_need_be(settled)?;
                    shipped.tally(tally);
                }
            }
        }
        self.settle_limits(calls, &limited).await?;
        Ok(shipped)
    }

    /// On a thread of its own.
    async fn prepare(&mut self, batch: &Batch, book: &Arc<Book>) -> Result<Prepared, Error> {
        let (records, mut packer) = (batch.records.clone(), self.packer.take());
        let book = Arc::clone(book);
        let preparing = tokio::task::spawn_blocking(move || {
            let prepared = prepare(&records, &mut packer, &book, row::entry);
            (prepared, packer)
        });
        let (prepared, packer) = preparing.await?;
        self.packer = packer;
        Ok(prepared?)
    }

    /// All at once; a batch in which the store refuses a log is made again, and goes in log by log.
    async fn append(
        &mut self,
        batch: &Batch,
        contents: (Vec<Entry>, Vec<append::Late>),
        rules: Rules<'_>,
        book: &Arc<Book>,
    ) -> Result<Appended, Error> {
        let named = |(entries, late)| {
            let (segment, start, end) = (batch.segment, batch.start, batch.end);
            logstore::Batch { segment, start, end, entries, late }
        };
        match append::append(&self.parts.db, named(contents), rules, &self.parts.clock).await {
            Err(append::Error::Refused(error)) => {
                tracing::warn!(%error, logs = batch.records.len(), "the store refused a batch; its logs go in one by one");
                let Prepared { entries, late, .. } = self.prepare(batch, book).await?;
                Ok(append::append_singly(&self.parts.db, named((entries, late)), rules, &self.parts.clock)
                    .await?)
            }
            appended => Ok(appended?),
        }
    }

    /// Reserves the batch's logs in the ledger, so that every replica knows of them before they are in the store.
    async fn reserve(
        &self,
        batch: &Batch,
        wanted: &BTreeMap<MeterKey, u64>,
        terms: &BTreeMap<MeterKey, Terms>,
    ) -> Result<(), Error> {
        let id = id_of(batch);
        let ledger = &self.parts.ledger;
        for (&(organisation, month), &n) in wanted {
            let Some(limit) = terms.get(&(organisation, month)).map(Terms::limit) else { continue };
            let key = Key { organisation, month };
            if matches!(ledger.reserve(key, id, n, limit).await?, Reserved::Unknown) {
                let used = append::used(&self.parts.db, (organisation, month)).await?;
                ledger.seed(key, used).await?;
                ledger.reserve(key, id, n, limit).await?;
            }
        }
        Ok(())
    }

    /// The store's count has the last word over the ledger's.
    async fn settle(
        &self,
        batch: &Batch,
        (organisation, month): MeterKey,
        tally: Tally,
    ) -> Result<(), Error> {
        let key = Key { organisation, month };
        let differed = self.parts.ledger.settle(key, id_of(batch), tally.used).await?;
        if differed && tally.repeated == 0 && tally.expired == 0 && tally.refused == 0 {
            self.parts.metrics.ledger_corrected();
            tracing::info!(%organisation, %month, used = tally.used, "the quota ledger was corrected");
        }
        Ok(())
    }

    /// The process that appended the batch may have been killed before it could settle it.
    async fn settle_again(&self, batch: &Batch, keys: impl Iterator<Item = MeterKey>) -> Result<(), Error> {
        for (organisation, month) in keys {
            let used = append::used(&self.parts.db, (organisation, month)).await?;
            self.parts.ledger.settle(Key { organisation, month }, id_of(batch), used).await?;
        }
        Ok(())
    }

    /// What the calls have reserved of budgets and rate limits gives way to what they used. A ledger that is away is told later:
    /// until then, or until it expires, the reservation stands.
    async fn settle_limits(&mut self, calls: Vec<spending::Call>, limited: &Limited) -> Result<(), DbErr> {
        for (organisation, settlings) in spending::settlings(&self.parts.db, &calls, limited).await? {
            if let Err(error) = self.parts.limits.settle(organisation, &settlings).await {
                if !std::mem::replace(&mut self.limits_fail, true) {
                    let source = std::error::Error::source(&error);
                    tracing::warn!(%error, ?source, "what calls used of their limits is told later");
                }
                self.unsettled.extend(calls);
                let excess = self.unsettled.len().saturating_sub(MAX_UNSETTLED);
                self.unsettled.drain(..excess);
                return Ok(());
            }
            self.limits_fail = false;
        }
        Ok(())
    }

    async fn settle_limits_again(&mut self) {
        let calls = std::mem::take(&mut self.unsettled);
        let settled = match Limited::load(&self.parts.db, &calls).await {
            Ok(limited) => self.settle_limits(calls.clone(), &limited).await,
            Err(error) => Err(error),
        };
        if let Err(error) = settled {
            tracing::warn!(%error, "what calls used of their limits cannot be read");
            self.unsettled = calls;
        }
    }

    /// The store needs no grant, and corrects the ledger once it answers: its failure is said once, and nothing waits.
    fn without_ledger_if_need_be(&mut self, asked: Result<(), Error>) -> Result<(), Error> {
        let failed = match asked {
            Ok(()) => None,
            Err(Error::Ledger(error)) => Some(error),
            Err(other) => return Err(other),
        };
        if failed.is_some() {
            self.parts.metrics.ledger_failed();
        }
        let failed_before = std::mem::replace(&mut self.ledger_fails, failed.is_some());
        match failed {
            Some(error) if !failed_before => {
                tracing::warn!(%error, source = ?std::error::Error::source(&error), "logs are counted by the store alone");
            }
            None if failed_before => tracing::info!("the quota ledger answers again"),
            _ => {}
        }
        Ok(())
    }

    async fn flush_unrecorded(&self) {
        let counts = self.parts.unrecorded.take();
        if counts.is_empty() {
            return;
        }
        if let Err(error) =
            logstore::append::count_unrecorded(&self.parts.db, &counts, self.parts.clock.now_ms()).await
        {
            tracing::warn!(%error, "the count of unrecorded calls waits for the store");
            self.parts.unrecorded.restore(counts);
        }
    }
}

/// How many logs of the batch there are for each meter.
fn wanted(entries: &[Entry]) -> BTreeMap<MeterKey, u64> {
    let mut wanted = BTreeMap::new();
    for entry in entries {
        *wanted.entry((entry.log.organisation_id, Month::of(entry.log.created_at))).or_default() += 1;
    }
    wanted
}

/// Which part failed; what it said is in the log line of who tries again.
fn failed(span: &Span, error: &Error) {
    let part = match error {
        Error::Database(_) | Error::Append(_) | Error::Prices(_) => "store failed",
        Error::Ledger(_) => "ledger failed",
        Error::Spool(_) => "spool failed",
        Error::Prepare(_) | Error::Pack(_) => "preparing failed",
    };
    span.record("outcome", part);
    span.record("otel.status_code", "ERROR");
}

fn id_of(batch: &Batch) -> BatchId {
    BatchId { segment: batch.segment, start: batch.start }
}

impl Shipped {
    fn add(&mut self, more: Self) {
        self.batches += more.batches;
        self.batches_before += more.batches_before;
        self.recorded += more.recorded;
        self.dropped += more.dropped;
        self.expired += more.expired;
        self.repeated += more.repeated;
        self.refused += more.refused;
        self.unreadable += more.unreadable;
    }

    fn count(&self, metrics: &Metrics) {
        metrics.logs("recorded", self.recorded);
        metrics.logs("dropped", self.dropped);
        metrics.logs("expired", self.expired);
        metrics.logs("repeated", self.repeated);
        metrics.logs("refused", self.refused);
        metrics.logs("unreadable", self.unreadable);
    }

    fn tally(&mut self, tally: Tally) {
        self.recorded += tally.recorded;
        self.dropped += tally.dropped;
        self.expired += tally.expired;
        self.repeated += tally.repeated;
        self.refused += tally.refused;
    }
}

#[cfg(test)]
mod tests;
