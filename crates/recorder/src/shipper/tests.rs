#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use clock::Ids;
use entity::{log, usage};
use plans::{Overrides, Plan};
use sea_orm::{IntoActiveModel, PaginatorTrait};
use spool::Spool;

use super::*;
use crate::testing::record;
use crate::{Payload, Recorder};

/// Answers only while it is told to.
#[derive(Default)]
struct Faulty {
    answers: AtomicBool,
    asked: AtomicUsize,
    ledger: quota::Embedded,
}

impl Faulty {
    fn ledger(&self) -> Result<&quota::Embedded, quota::Error> {
        if self.answers.load(Ordering::SeqCst) {
            return Ok(&self.ledger);
        }
        Err(quota::Error::Unavailable("away".into()))
    }
}

#[async_trait::async_trait]
impl Ledger for Faulty {
    async fn reserve(
        &self,
        key: Key,
        batch: BatchId,
        n: u64,
        limit: Option<u64>,
    ) -> Result<Reserved, quota::Error> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.ledger()?.reserve(key, batch, n, limit).await
    }

    async fn seed(&self, key: Key, used: u64) -> Result<(), quota::Error> {
        self.ledger()?.seed(key, used).await
    }

    async fn settle(&self, key: Key, batch: BatchId, used: u64) -> Result<bool, quota::Error> {
        self.ledger()?.settle(key, batch, used).await
    }

    async fn ping(&self) -> Result<(), quota::Error> {
        self.ledger()?.ping().await
    }

    async fn read(&self, key: Key) -> Result<Option<quota::Counted>, quota::Error> {
        self.ledger()?.read(key).await
    }

    fn known(&self, key: Key) -> Option<u64> {
        self.ledger.known(key)
    }
}

struct Fixture {
    shipper: Shipper,
    recorder: Recorder,
    ledger: Arc<Faulty>,
    organisation: Uuid,
    _spool: Spool,
    _folder: tempfile::TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let organisation = scratch::organisation(Ids::new(Clock::system()).fresh(), "developer");
        let id = organisation.id;
        entity::organisation::Entity::insert(organisation.into_active_model())
            .exec_without_returning(&db)
            .await
            .unwrap();
        let options = spool::Options::new(folder.path().join("spool"), 1 << 20);
        let (spool, drain) = spool::open(options).unwrap();
        let unrecorded = Unrecorded::default();
        let ledger = Arc::new(Faulty::default());
        let shipper = Shipper::new(Parts {
            drain,
            db,
            ledger: ledger.clone(),
            limits: Arc::new(limits::Embedded::new()),
            clock: Clock::system(),
            terms: Arc::new(|_, _| plans::terms(Plan::Developer, &Overrides::default())),
            prices: Current::new(Duration::ZERO),
            unrecorded: unrecorded.clone(),
            options: Options {
                batch_records: 10,
                batch_bytes: 1 << 20,
                linger: Duration::ZERO,
                searchable: true,
            },
            metrics: Metrics::default(),
        });
        let recorder = Recorder::new(spool.clone(), unrecorded);
        Self { shipper, recorder, ledger, organisation: id, _spool: spool, _folder: folder }
    }

    async fn call(&self) -> crate::Record {
        let record = crate::Record { organisation_id: self.organisation, ..record(Payload::Whole, None) };
        self.recorder.record(record.clone()).await.unwrap();
        record
    }

    async fn logs(&self) -> u64 {
        log::Entity::find().count(&self.shipper.parts.db).await.unwrap()
    }
}

#[tokio::test]
async fn a_ledger_that_fails_stops_no_log_and_is_corrected_when_it_answers_again() {
    let mut fixture = Fixture::new().await;
    for (answers, logs) in [(false, 1), (false, 2), (true, 3), (false, 4)] {
        fixture.ledger.answers.store(answers, Ordering::SeqCst);
        let record = fixture.call().await;
        assert_eq!(fixture.shipper.drain_now().await.unwrap().recorded, 1);
        assert_eq!((fixture.logs().await, fixture.shipper.ledger_fails), (logs, !answers));
        let key =
            Key { organisation: fixture.organisation, month: Month::of(clock::millis(record.id).unwrap()) };
        let known = fixture.ledger.known(key);
        assert_eq!(known, (logs >= 3).then_some(3), "the store's count, where it was told");
    }
}

/// Killed between the store and the ledger, with the batch in the spool still.
#[tokio::test]
async fn a_batch_that_was_in_before_is_settled_by_who_finds_it() {
    let mut fixture = Fixture::new().await;
    fixture.ledger.answers.store(true, Ordering::SeqCst);
    let record = fixture.call().await;
    let parts = &mut fixture.shipper.parts;
    let batch = parts.drain.try_next(10, 1 << 20).unwrap().unwrap();
    fixture.ledger.answers.store(false, Ordering::SeqCst);
    fixture.shipper.ship(&batch).await.unwrap();
    fixture.ledger.answers.store(true, Ordering::SeqCst);
    assert_eq!(fixture.shipper.ship(&batch).await.unwrap().batches_before, 1);
    let key = Key { organisation: fixture.organisation, month: Month::of(clock::millis(record.id).unwrap()) };
    let counted = fixture.ledger.read(key).await.unwrap().unwrap();
    assert_eq!((counted.row, counted.on_its_way), (1, 0));
}

#[tokio::test]
async fn a_store_that_fails_at_the_end_is_tried_again() {
    let fixture = Fixture::new().await;
    fixture.ledger.answers.store(true, Ordering::SeqCst);
    fixture.call().await;
    let db = fixture.shipper.parts.db.clone();
    scratch::refuse(&db, "broken", "UPDATE ON spool_mark", "TRUE").await;
    let stop = CancellationToken::new();
    stop.cancel();
    let mended = async {
        while fixture.ledger.asked.load(Ordering::SeqCst) < 3 {
            tokio::task::yield_now().await;
        }
        scratch::allow(&db, "broken").await;
    };
    tokio::join!(fixture.shipper.run(stop), mended);
    assert_eq!(log::Entity::find().count(&db).await.unwrap(), 1);
}

#[tokio::test]
async fn a_log_that_the_store_refuses_holds_up_no_other() {
    let mut fixture = Fixture::new().await;
    fixture.ledger.answers.store(true, Ordering::SeqCst);
    let record = fixture.call().await;
    assert_eq!(fixture.shipper.drain_now().await.unwrap().recorded, 1);
    // The same id again, as no spool makes it: the store has it already.
    fixture.recorder.record(record).await.unwrap();
    fixture.call().await;
    let shipped = fixture.shipper.drain_now().await.unwrap();
    assert_eq!((shipped.recorded, shipped.refused, fixture.logs().await), (1, 1, 2));
    let meter = usage::Entity::find().one(&fixture.shipper.parts.db).await.unwrap().unwrap();
    assert_eq!((meter.used, meter.unrecorded), (2, 1));
}
