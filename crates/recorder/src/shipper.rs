//! From the spool into the store, batch by batch.
//!
//! A batch is a range of one spool segment, fixed on disk before anything is counted for it, so that after any failure
//! the same records come again under the same name: the ledger grants them once, the store takes them in once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use entity::{organisation, usage};
use logstore::{Appended, Entry, MeterKey, Packer, Tally};
use plans::{Month, Terms};
use quota::{BatchId, Key, Ledger, Reserved};
use sea_orm::prelude::*;
use spool::{Batch, Drain};
use tokio_util::sync::CancellationToken;

use crate::{Record, Unrecorded, row};

/// The longest wait between two tries of one batch.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// How much is shipped at a time.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Records a batch at the most.
    pub batch_records: usize,
    /// Bytes of records a batch at the most, but for a single larger one.
    pub batch_bytes: usize,
    /// What is left to gather after a batch that was not full.
    pub linger: Duration,
}

/// Gives the terms of an organisation.
pub type TermsOf = Arc<dyn Fn(&organisation::Model) -> Terms + Send + Sync>;

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
    /// Records that could not be decoded.
    pub unreadable: u64,
}

/// Why a batch is not in the store yet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the quota ledger failed")]
    Ledger(#[from] quota::Error),
    #[error("the spool failed")]
    Spool(#[from] spool::Error),
    #[error("the batch could not be prepared")]
    Prepare(#[from] tokio::task::JoinError),
    #[error("the compressor could not be set up")]
    Pack(#[from] logstore::content::Error),
}

/// The single consumer of a spool.
pub struct Shipper {
    pub drain: Drain,
    pub db: DatabaseConnection,
    pub ledger: Arc<dyn Ledger>,
    pub clock: Clock,
    pub terms: TermsOf,
    pub unrecorded: Unrecorded,
    pub options: Options,
}

impl Shipper {
    /// Ships until `stop`, then what is left, as far as the store takes it at once.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut flush = tokio::time::interval(Duration::from_secs(1));
        loop {
            let next = self.drain.next(self.options.batch_records, self.options.batch_bytes);
            let batch = tokio::select! {
                batch = next => batch,
                _ = flush.tick() => {
                    self.flush_unrecorded().await;
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
        match self.drain_now().await {
            Ok(shipped) => tracing::debug!(?shipped, "the spool is drained"),
            Err(error) => tracing::warn!(%error, "logs are left in the spool for the next start"),
        }
    }

    /// Ships all that is in the spool now.
    ///
    /// # Errors
    /// [`Error`] at the first batch that does not go in; it is safe to call again.
    pub async fn drain_now(&mut self) -> Result<Shipped, Error> {
        let mut shipped = Shipped::default();
        while let Some(batch) = self.drain.try_next(self.options.batch_records, self.options.batch_bytes)? {
            shipped.add(self.ship(&batch).await?);
            self.drain.forget(&batch)?;
        }
        self.flush_unrecorded().await;
        Ok(shipped)
    }

    async fn ship_until_in(&mut self, batch: &Batch, stop: &CancellationToken) {
        let mut backoff = Duration::from_millis(50);
        loop {
            let shipped = match self.ship(batch).await {
                Ok(shipped) => self.drain.forget(batch).map(|()| shipped).map_err(Error::from),
                Err(error) => Err(error),
            };
            let wait = match shipped {
                Ok(_) if batch.records.len() >= self.options.batch_records => return,
                Ok(_) => self.options.linger,
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

    async fn ship(&self, batch: &Batch) -> Result<Shipped, Error> {
        let (entries, unreadable) = prepare(batch.records.clone()).await?;
        self.reserve(batch, &entries).await?;
        let batch = logstore::Batch { segment: batch.segment, start: batch.start, end: batch.end, entries };
        let appended =
            logstore::append(&self.db, batch, self.clock.now_ms(), |organisation| (self.terms)(organisation))
                .await?;
        let mut shipped = Shipped { batches: 1, unreadable, ..Shipped::default() };
        match appended {
            Appended::Before => shipped.batches_before = 1,
            Appended::Now(tallies) => {
                for (key, tally) in tallies {
                    self.settle(key, tally).await?;
                    shipped.tally(tally);
                }
            }
        }
        Ok(shipped)
    }

    /// Reserves the batch's logs in the ledger, so that every replica knows of them before they are in the store.
    async fn reserve(&self, batch: &Batch, entries: &[Entry]) -> Result<(), Error> {
        let mut wanted: BTreeMap<MeterKey, u64> = BTreeMap::new();
        for entry in entries {
            *wanted.entry((entry.log.organisation_id, Month::of(entry.log.created_at))).or_default() += 1;
        }
        let id = BatchId { segment: batch.segment, start: batch.start };
        for ((organisation, month), n) in wanted {
            let Some(row) = organisation::Entity::find_by_id(organisation).one(&self.db).await? else {
                continue;
            };
            let limit = (self.terms)(&row).limit();
            let key = Key { organisation, month };
            if matches!(self.ledger.reserve(key, id, n, limit).await?, Reserved::Unknown) {
                let row = usage::Entity::find_by_id((organisation, month.as_i32())).one(&self.db).await?;
                let used = row.map_or(0, |row| u64::try_from(row.used).unwrap_or(0));
                self.ledger.seed(key, used).await?;
                self.ledger.reserve(key, id, n, limit).await?;
            }
        }
        Ok(())
    }

    /// The store's count has the last word over the ledger's.
    async fn settle(&self, (organisation, month): MeterKey, tally: Tally) -> Result<(), Error> {
        let differed = self.ledger.correct(Key { organisation, month }, tally.used).await?;
        if differed && tally.repeated == 0 && tally.expired == 0 {
            tracing::info!(%organisation, %month, used = tally.used, "the quota ledger was corrected");
        }
        Ok(())
    }

    async fn flush_unrecorded(&self) {
        let counts = self.unrecorded.take();
        if counts.is_empty() {
            return;
        }
        if let Err(error) = logstore::append::count_unrecorded(&self.db, &counts, self.clock.now_ms()).await {
            tracing::warn!(%error, "the count of unrecorded calls waits for the store");
            self.unrecorded.restore(counts);
        }
    }
}

/// Decodes, measures and packs on a thread of its own: it is computation, and counting tokens can be slow.
async fn prepare(records: Vec<bytes::Bytes>) -> Result<(Vec<Entry>, u64), Error> {
    tokio::task::spawn_blocking(move || {
        let mut packer = Packer::new()?;
        let mut unreadable = 0;
        let mut entries = Vec::with_capacity(records.len());
        for bytes in records {
            match rmp_serde::from_slice::<Record>(&bytes) {
                Ok(record) => entries.push(row::entry(record, &mut packer)),
                Err(error) => {
                    tracing::error!(%error, length_bytes = bytes.len(), "a record in the spool cannot be read");
                    unreadable += 1;
                }
            }
        }
        Ok((entries, unreadable))
    })
    .await?
}

impl Shipped {
    fn add(&mut self, more: Self) {
        self.batches += more.batches;
        self.batches_before += more.batches_before;
        self.recorded += more.recorded;
        self.dropped += more.dropped;
        self.expired += more.expired;
        self.repeated += more.repeated;
        self.unreadable += more.unreadable;
    }

    fn tally(&mut self, tally: Tally) {
        self.recorded += tally.recorded;
        self.dropped += tally.dropped;
        self.expired += tally.expired;
        self.repeated += tally.repeated;
    }
}
