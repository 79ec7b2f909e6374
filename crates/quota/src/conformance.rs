//! What every ledger must do. Each check counts for organisations of its own, so that the suite may run against a ledger
//! that others use, and again.

use std::sync::Arc;

use clock::Ids;
use plans::Month;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{BatchId, Error, Key, Ledger, Reserved};

const RACERS: u64 = 16;
const BATCHES: u64 = 12;

/// A step of [`follow`].
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A new batch of so many logs.
    Reserve(u64),
    /// One of the batches so far again, by its number modulo their count.
    Repeat(usize),
    /// The store's row says that much more than was granted here.
    Correct(u64),
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
    a_race_grants_exactly_the_limit(ledger, key()).await?;
    a_race_for_one_batch_counts_once(ledger, key()).await?;
    let steps = [
        Step::Reserve(60),
        Step::Repeat(0),
        Step::Correct(10),
        Step::Reserve(60),
        Step::Repeat(1),
        Step::Repeat(0),
    ];
    follow(&**ledger, key(), 100, &steps).await
}

/// Takes the steps and compares each answer with a plain model; whatever their order, grants never sum past the limit.
///
/// # Errors
/// The ledger's own; a wrong answer panics.
pub async fn follow(ledger: &dyn Ledger, key: Key, limit: u64, steps: &[Step]) -> Result<(), Error> {
    let mut used = 0;
    let mut grants: Vec<u64> = Vec::new();
    ledger.seed(key, 0).await?;
    for step in steps {
        match *step {
            Step::Reserve(n) => {
                let granted = n.min(limit.saturating_sub(used));
                used += granted;
                let got = ledger.reserve(key, batch(grants.len() as u64), n, Some(limit)).await?;
                assert_eq!(got, Reserved::Granted { granted, used }, "{step:?}");
                grants.push(granted);
            }
            Step::Repeat(any) if !grants.is_empty() => {
                let index = any % grants.len();
                let got = ledger.reserve(key, batch(index as u64), 1, Some(limit)).await?;
                assert_eq!(got, Reserved::Granted { granted: grants[index], used }, "{step:?}");
            }
            Step::Repeat(_) => {}
            Step::Correct(ahead) => {
                let row = grants.iter().sum::<u64>() + ahead;
                assert_eq!(ledger.correct(key, row).await?, row != used, "{step:?}");
                used = row;
            }
        }
        assert_eq!(ledger.known(key), Some(used), "{step:?}");
        assert!(grants.iter().sum::<u64>() <= limit, "{step:?}");
    }
    Ok(())
}

async fn a_missing_counter_is_unknown_and_seeded_once(ledger: &dyn Ledger, key: Key) -> Result<(), Error> {
    assert_eq!(ledger.known(key), None);
    for _ in 0..2 {
        assert_eq!(ledger.reserve(key, batch(0), 3, Some(10)).await?, Reserved::Unknown);
    }
    ledger.seed(key, 5).await?;
    assert_eq!(ledger.reserve(key, batch(0), 3, Some(10)).await?, Reserved::Granted { granted: 3, used: 8 });
    ledger.seed(key, 1).await?;
    assert_eq!(ledger.reserve(key, batch(1), 1, Some(10)).await?, Reserved::Granted { granted: 1, used: 9 });
    assert_eq!(ledger.known(key), Some(9));
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
    assert!(!ledger.correct(key, 4).await?, "nothing was there to differ");
    assert!(!ledger.correct(key, 4).await?);
    assert_eq!(ledger.reserve(key, batch(0), 6, Some(10)).await?, Reserved::Granted { granted: 6, used: 10 });

    assert!(ledger.correct(key, 7).await?, "fewer were recorded");
    assert_eq!(ledger.known(key), Some(7));
    assert_eq!(ledger.reserve(key, batch(0), 6, Some(10)).await?, Reserved::Granted { granted: 6, used: 7 });
    assert_eq!(ledger.reserve(key, batch(6), 6, Some(10)).await?, Reserved::Granted { granted: 3, used: 10 });

    assert!(ledger.correct(key, 25).await?, "more were recorded");
    assert_eq!(
        ledger.reserve(key, batch(12), 6, Some(10)).await?,
        Reserved::Granted { granted: 0, used: 25 }
    );
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

fn batch(start: u64) -> BatchId {
    BatchId { segment: Uuid::from_u128(1), start }
}

fn granted(reserved: Reserved) -> u64 {
    match reserved {
        Reserved::Granted { granted, .. } => granted,
        Reserved::Unknown => unreachable!("the counter was seeded"),
    }
}
