//! What every ledger must do. Each check counts for organisations of its own, so that the suite may run against a ledger
//! that others use, and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clock::Ids;
use plans::Month;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{BatchId, Counted, Error, Key, Ledger, Reserved};

#[cfg(test)]
pub(crate) mod steps;

const RACERS: u64 = 16;
const BATCHES: u64 = 12;

/// A step of [`follow`].
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A new batch of so many logs.
    Reserve(u64),
    /// One of the batches so far again, by its number modulo their count.
    Repeat(usize),
    /// The store has taken one of the batches so far in, with so many logs fewer than were granted, and says that it has that
    /// many more than we know of.
    Settle { batch: usize, fewer: u64, more: u64 },
    /// The same, from a time when the store had so many logs fewer than we know of.
    Overtaken { batch: usize, behind: u64 },
}

/// The whole suite. The races need a runtime of several threads to mean anything.
///
/// # Errors
/// The ledger's own; a wrong answer panics.
pub async fn all(ledger: &Arc<dyn Ledger>, ids: &Ids) -> Result<(), Error> {
    let now = Month::of(clock::millis(ids.log_id()).unwrap_or_default());
    let key = || Key { organisation: ids.fresh(), month: now };

    a_missing_counter_is_unknown_and_seeded_once(&**ledger, key()).await?;
    grants_end_at_the_limit(&**ledger, key()).await?;
    a_repeated_batch_counts_once(&**ledger, key()).await?;
    keys_are_counted_apart(&**ledger, key(), key().organisation).await?;
    the_stores_row_has_the_last_word(&**ledger, key()).await?;
    what_others_have_on_its_way_stays_counted(&**ledger, key()).await?;
    a_race_grants_exactly_the_limit(ledger, key()).await?;
    a_race_for_one_batch_counts_once(ledger, key()).await?;
    a_race_into_the_store_ends_at_the_stores_row(ledger, key()).await?;
    let steps = [
        Step::Reserve(40),
        Step::Reserve(20),
        Step::Settle { batch: 0, fewer: 5, more: 0 },
        Step::Repeat(0),
        Step::Reserve(60),
        Step::Overtaken { batch: 1, behind: 3 },
        Step::Settle { batch: 2, fewer: 0, more: 10 },
        Step::Settle { batch: 2, fewer: 0, more: 0 },
        Step::Repeat(1),
    ];
    follow(&**ledger, key(), 100, &steps).await
}

/// What a counter should be.
#[derive(Default)]
struct Model {
    row: u64,
    /// What each batch was granted, and what of it is on its way.
    grants: Vec<(u64, u64)>,
}

impl Model {
    fn used(&self) -> u64 {
        self.row + self.grants.iter().map(|(_, open)| open).sum::<u64>()
    }

    /// Settles a batch, and tells what was on its way of it, and of the others.
    fn settle(&mut self, batch: usize) -> (u64, u64) {
        let own = std::mem::take(&mut self.grants[batch].1);
        (own, self.used() - self.row)
    }
}

/// Takes the steps, of a batch only where there is one, and compares each answer with a plain model.
///
/// # Errors
/// The ledger's own; a wrong answer panics.
pub async fn follow(ledger: &dyn Ledger, key: Key, limit: u64, steps: &[Step]) -> Result<(), Error> {
    let mut model = Model::default();
    ledger.seed(key, 0).await?;
    for step in steps {
        let count = model.grants.len();
        match *step {
            Step::Reserve(n) => {
                let granted = n.min(limit.saturating_sub(model.used()));
                model.grants.push((granted, granted));
                let got = ledger.reserve(key, batch(count as u64), n, Some(limit)).await?;
                assert_eq!(got, Reserved::Granted { granted, used: model.used() }, "{step:?}");
            }
            _ if count == 0 => {}
            Step::Repeat(any) => {
                let index = any % count;
                let got = ledger.reserve(key, batch(index as u64), 1, Some(limit)).await?;
                let granted = model.grants[index].0;
                assert_eq!(got, Reserved::Granted { granted, used: model.used() }, "{step:?}");
            }
            Step::Settle { batch: any, fewer, more } => {
                let index = any % count;
                let (own, others) = model.settle(index);
                let row = model.row + own - own.min(fewer) + more;
                let is_news = row > model.row;
                let differs = is_news && (row < model.row + own || row > model.row + own + others);
                model.row = row;
                assert_eq!(ledger.settle(key, batch(index as u64), row).await?, differs, "{step:?}");
            }
            Step::Overtaken { batch: any, behind } => {
                let index = any % count;
                model.settle(index);
                let row = model.row - behind.min(model.row);
                assert!(!ledger.settle(key, batch(index as u64), row).await?, "{step:?}");
            }
        }
        // What was seeded is known once somebody asked.
        if !model.grants.is_empty() {
            assert_eq!(ledger.known(key), Some(model.used()), "{step:?}");
            let counted = Counted { row: model.row, on_its_way: model.used() - model.row };
            assert_eq!(ledger.read(key).await?, Some(counted), "{step:?}");
        }
    }
    Ok(())
}

/// What no longer is on its way does not count: for a ledger that believes so of everything at once.
///
/// # Errors
/// The ledger's own; a wrong answer panics.
pub async fn nothing_is_on_its_way(ledger: &dyn Ledger, ids: &Ids) -> Result<(), Error> {
    let key =
        Key { organisation: ids.fresh(), month: Month::of(clock::millis(ids.log_id()).unwrap_or_default()) };
    ledger.seed(key, 10).await?;
    for start in 0..3 {
        let got = ledger.reserve(key, batch(start), 4, Some(12)).await?;
        assert!(matches!(got, Reserved::Granted { granted: 2, .. }), "{got:?}: the others have ended");
        assert_eq!(ledger.read(key).await?, Some(Counted { row: 10, on_its_way: 0 }));
    }
    assert!(ledger.settle(key, batch(0), 7).await?, "a lower row is the store's, which has lost some");
    assert_eq!(ledger.known(key), Some(7));
    assert!(!ledger.settle(key, batch(1), 7).await?);
    Ok(())
}

async fn a_missing_counter_is_unknown_and_seeded_once(ledger: &dyn Ledger, key: Key) -> Result<(), Error> {
    assert_eq!(ledger.known(key), None);
    assert_eq!(ledger.read(key).await?, None, "reading makes no counter");
    for _ in 0..2 {
        assert_eq!(ledger.reserve(key, batch(0), 3, Some(10)).await?, Reserved::Unknown);
    }
    ledger.seed(key, 5).await?;
    assert_eq!(ledger.reserve(key, batch(0), 3, Some(10)).await?, Reserved::Granted { granted: 3, used: 8 });
    ledger.seed(key, 1).await?;
    assert_eq!(ledger.reserve(key, batch(1), 1, Some(10)).await?, Reserved::Granted { granted: 1, used: 9 });
    assert_eq!(ledger.known(key), Some(9));
    assert_eq!(ledger.read(key).await?, Some(Counted { row: 5, on_its_way: 4 }));
    Ok(())
}

async fn grants_end_at_the_limit(ledger: &dyn Ledger, key: Key) -> Result<(), Error> {
    ledger.seed(key, 9_998).await?;
    // start; n, limit; granted, used
    let cases = [
        (0, 0, Some(10_000), 0, 9_998),
        (1, 1, Some(10_000), 1, 9_999),
        (2, 5, Some(10_000), 1, 10_000),
        (3, 5, Some(10_000), 0, 10_000),
        (4, 5, Some(9_000), 0, 10_000),
        (5, 5, Some(10_002), 2, 10_002),
        (6, 50_000, None, 50_000, 60_002),
    ];
    for (start, n, limit, granted, used) in cases {
        let got = ledger.reserve(key, batch(start), n, limit).await?;
        assert_eq!(got, Reserved::Granted { granted, used }, "batch {start}");
    }
    Ok(())
}

async fn a_repeated_batch_counts_once(ledger: &dyn Ledger, key: Key) -> Result<(), Error> {
    ledger.seed(key, 0).await?;
    let partly = ledger.reserve(key, batch(0), 12, Some(10)).await?;
    assert_eq!(partly, Reserved::Granted { granted: 10, used: 10 });
    let refused = ledger.reserve(key, batch(12), 4, Some(10)).await?;
    assert_eq!(refused, Reserved::Granted { granted: 0, used: 10 });

    // A grant is not made anew where there would be room by now.
    assert_eq!(ledger.reserve(key, batch(0), 12, Some(50)).await?, partly);
    assert_eq!(ledger.reserve(key, batch(12), 4, None).await?, refused);

    let elsewhere = BatchId { segment: Uuid::from_u128(2), start: 0 };
    assert_eq!(
        ledger.reserve(key, elsewhere, 4, Some(50)).await?,
        Reserved::Granted { granted: 4, used: 14 }
    );
    Ok(())
}

async fn keys_are_counted_apart(ledger: &dyn Ledger, key: Key, other: Uuid) -> Result<(), Error> {
    let keys = [key, Key { organisation: other, ..key }, Key { month: key.month.previous(), ..key }];
    for (used, key) in (0..).zip(keys) {
        assert_eq!(ledger.reserve(key, batch(0), 1, None).await?, Reserved::Unknown);
        ledger.seed(key, used * 100).await?;
    }
    for (used, key) in (0..).zip(keys) {
        let got = ledger.reserve(key, batch(0), 1, None).await?;
        assert_eq!(got, Reserved::Granted { granted: 1, used: used * 100 + 1 }, "{key:?}");
    }
    Ok(())
}

async fn the_stores_row_has_the_last_word(ledger: &dyn Ledger, key: Key) -> Result<(), Error> {
    let settle = |start, row| ledger.settle(key, batch(start), row);
    assert!(!settle(99, 4).await?, "nothing was there to differ");
    assert!(!settle(99, 4).await?);
    assert_eq!(ledger.reserve(key, batch(0), 6, Some(10)).await?, Reserved::Granted { granted: 6, used: 10 });

    assert!(settle(0, 7).await?, "fewer were recorded");
    assert_eq!(ledger.known(key), Some(7));
    assert_eq!(ledger.reserve(key, batch(0), 6, Some(10)).await?, Reserved::Granted { granted: 6, used: 7 });
    assert_eq!(ledger.reserve(key, batch(6), 6, Some(10)).await?, Reserved::Granted { granted: 3, used: 10 });

    assert!(settle(6, 25).await?, "more were recorded");
    assert_eq!(
        ledger.reserve(key, batch(12), 6, Some(10)).await?,
        Reserved::Granted { granted: 0, used: 25 }
    );
    Ok(())
}

/// Two processes: the store takes in the first's batch, then the second's; we hear of the second first.
async fn what_others_have_on_its_way_stays_counted(ledger: &dyn Ledger, key: Key) -> Result<(), Error> {
    ledger.seed(key, 100).await?;
    let (first, second) = (batch(0), BatchId { segment: Uuid::from_u128(2), start: 0 });
    assert_eq!(ledger.reserve(key, first, 50, None).await?, Reserved::Granted { granted: 50, used: 150 });
    assert_eq!(ledger.reserve(key, second, 10, None).await?, Reserved::Granted { granted: 10, used: 160 });
    assert!(!ledger.settle(key, second, 160).await?, "the first's grant explains it");
    assert!(ledger.known(key) >= Some(160), "never behind the store: {:?}", ledger.known(key));
    assert!(!ledger.settle(key, first, 150).await?, "overtaken, not wrong");
    assert_eq!(ledger.known(key), Some(160));

    // In the order of the store, and with a third that is still on its way.
    let third = BatchId { segment: Uuid::from_u128(3), start: 0 };
    assert_eq!(ledger.reserve(key, third, 7, None).await?, Reserved::Granted { granted: 7, used: 167 });
    assert_eq!(ledger.reserve(key, batch(1), 3, None).await?, Reserved::Granted { granted: 3, used: 170 });
    assert!(!ledger.settle(key, batch(1), 163).await?);
    assert_eq!(ledger.known(key), Some(170), "the third is counted on");
    assert!(!ledger.settle(key, third, 170).await?);
    assert_eq!(ledger.known(key), Some(170));
    Ok(())
}

async fn a_race_grants_exactly_the_limit(ledger: &Arc<dyn Ledger>, key: Key) -> Result<(), Error> {
    const LIMIT: u64 = 500;
    ledger.seed(key, 0).await?;
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let ledger = Arc::clone(ledger);
        racers.spawn(async move {
            let segment = Uuid::from_u128(u128::from(racer));
            let sizes = (0..BATCHES).map(|start| (BatchId { segment, start }, 1 + (racer + start) % 7));
            let mut grants = Vec::new();
            for (batch, n) in sizes.clone() {
                grants.push(granted(ledger.reserve(key, batch, n, Some(LIMIT)).await?));
                tokio::task::yield_now().await;
                assert_eq!(grants.last(), Some(&granted(ledger.reserve(key, batch, n, Some(LIMIT)).await?)));
            }
            for ((batch, n), first) in sizes.zip(&grants) {
                assert_eq!(granted(ledger.reserve(key, batch, n, Some(LIMIT)).await?), *first, "{batch:?}");
            }
            Ok::<u64, Error>(grants.iter().sum())
        });
    }
    let each = racers.join_all().await.into_iter().collect::<Result<Vec<u64>, Error>>()?;
    assert_eq!(each.iter().sum::<u64>(), LIMIT, "{each:?}");
    let after = ledger.reserve(key, batch(u64::MAX), 1, Some(LIMIT)).await?;
    assert_eq!(after, Reserved::Granted { granted: 0, used: LIMIT });
    Ok(())
}

async fn a_race_for_one_batch_counts_once(ledger: &Arc<dyn Ledger>, key: Key) -> Result<(), Error> {
    ledger.seed(key, 90).await?;
    let mut racers = JoinSet::new();
    for n in 20..20 + RACERS {
        let ledger = Arc::clone(ledger);
        racers.spawn(async move { ledger.reserve(key, batch(0), n, Some(100)).await });
    }
    for got in racers.join_all().await {
        assert_eq!(got?, Reserved::Granted { granted: 10, used: 100 });
    }
    Ok(())
}

/// Processes that reserve, append and settle, each at its own pace: what one has on its way never looks like an error of
/// another's, no more is granted than there is room for, and in the end nothing is on its way.
async fn a_race_into_the_store_ends_at_the_stores_row(
    ledger: &Arc<dyn Ledger>,
    key: Key,
) -> Result<(), Error> {
    const LIMIT: u64 = 400;
    ledger.seed(key, 0).await?;
    let store = Arc::new(AtomicU64::new(0));
    let mut racers = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, store) = (Arc::clone(ledger), Arc::clone(&store));
        racers.spawn(async move {
            let segment = Uuid::from_u128(u128::from(racer));
            for start in 0..BATCHES {
                let batch = BatchId { segment, start };
                let n = 1 + (racer + start) % 7;
                let granted = granted(ledger.reserve(key, batch, n, Some(LIMIT)).await?);
                let row = store.fetch_add(granted, Ordering::SeqCst) + granted;
                for _ in 0..(racer * start) % 5 {
                    tokio::task::yield_now().await;
                }
                assert!(!ledger.settle(key, batch, row).await?, "batch {start} of {racer} at {row}");
            }
            Ok::<(), Error>(())
        });
    }
    racers.join_all().await.into_iter().collect::<Result<(), Error>>()?;
    let row = store.load(Ordering::SeqCst);
    assert!(row <= LIMIT, "{row} were granted");
    let after = ledger.reserve(key, batch(u64::MAX), 0, None).await?;
    assert_eq!(after, Reserved::Granted { granted: 0, used: row });
    Ok(())
}

fn batch(start: u64) -> BatchId {
    BatchId { segment: Uuid::from_u128(1), start }
}

fn granted(reserved: Reserved) -> u64 {
    match reserved {
        Reserved::Granted { granted, .. } => granted,
        Reserved::Unknown => unreachable!("the counter was seeded"),
    }
}
