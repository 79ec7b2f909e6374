#![expect(clippy::unwrap_used, reason = "tests")]
use std::future::ready;
use std::sync::atomic::AtomicUsize;

use super::*;

const TTL: Duration = Duration::from_secs(10);
const STALE_MAX: Duration = Duration::from_mins(15);

struct Fixture {
    cache: Arc<Cache<u8, String>>,
    clock: Clock,
    loads: AtomicUsize,
}

impl Fixture {
    fn new() -> Self {
        let clock = Clock::starting_at(1_795_392_000_000);
        let cache = Arc::new(Cache::new(Lifetimes::new(TTL, STALE_MAX), clock.clone()));
        Self { cache, clock, loads: AtomicUsize::new(0) }
    }

    async fn get(&self, answer: Result<Option<&str>, DbErr>) -> Result<Option<String>, Unavailable> {
        let load = async {
            self.loads.fetch_add(1, Ordering::SeqCst);
            answer.map(|value| value.map(str::to_owned))
        };
        let value = self.cache.get(1, load).await?;
        Ok(value.map(|value| (*value).clone()))
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn an_entry_is_looked_up_again_after_its_time() {
    let f = Fixture::new();
    assert!(f.cache.fresh(&1).is_none());
    assert_eq!(f.get(Ok(Some("a"))).await, Ok(Some("a".to_owned())));
    assert_eq!(f.get(Ok(Some("b"))).await, Ok(Some("a".to_owned())), "not asked again");
    assert_eq!(f.cache.fresh(&1).unwrap().as_str(), "a");
    f.clock.advance(TTL);
    assert!(f.cache.fresh(&1).is_none());
    assert_eq!(f.get(Ok(Some("b"))).await, Ok(Some("b".to_owned())));
    f.clock.advance(TTL);
    assert_eq!(f.get(Ok(None)).await, Ok(None), "gone since");
    assert!(f.cache.fresh(&1).is_none());
    assert_eq!(f.loads(), 3);
}

#[tokio::test]
async fn that_there_is_none_is_believed_for_a_moment() {
    let f = Fixture::new();
    assert_eq!(f.get(Ok(None)).await, Ok(None));
    assert_eq!(f.get(Ok(Some("a"))).await, Ok(None), "not asked again");
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.get(Ok(Some("a"))).await, Ok(Some("a".to_owned())));
    assert_eq!(f.loads(), 2);
}

#[tokio::test]
async fn a_known_entry_stands_in_for_a_failing_database_and_an_unknown_one_is_unavailable() {
    let f = Fixture::new();
    assert_eq!(f.get(Err(DbErr::Custom("down".to_owned()))).await, Err(Unavailable));
    assert_eq!(f.get(Ok(Some("a"))).await, Err(Unavailable), "the database is left alone for a moment");
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.get(Ok(Some("a"))).await, Ok(Some("a".to_owned())));

    f.clock.advance(Duration::from_secs(15 * 60 - 5));
    assert_eq!(f.get(Err(DbErr::Custom("down".to_owned()))).await, Ok(Some("a".to_owned())));
    assert_eq!(f.get(Err(DbErr::Custom("down".to_owned()))).await, Ok(Some("a".to_owned())));
    assert_eq!(f.loads(), 3, "a failing database is not asked by every call");
    f.clock.advance(Duration::from_secs(5));
    assert_eq!(f.get(Err(DbErr::Custom("down".to_owned()))).await, Err(Unavailable), "too old to stand in");
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.get(Ok(Some("b"))).await, Ok(Some("b".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_hangs_counts_as_failing() {
    let f = Fixture::new();
    assert_eq!(f.get(Ok(Some("a"))).await, Ok(Some("a".to_owned())));
    f.clock.advance(TTL);
    let hangs = f.cache.get(1, std::future::pending());
    assert_eq!(hangs.await.unwrap().unwrap().as_str(), "a");
}

#[tokio::test]
async fn callers_of_one_key_share_one_lookup() {
    let f = Arc::new(Fixture::new());
    let (go, gate) = tokio::sync::watch::channel(false);
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let (f, mut gate) = (Arc::clone(&f), gate.clone());
            tokio::spawn(async move {
                let load = async {
                    f.loads.fetch_add(1, Ordering::SeqCst);
                    gate.wait_for(|open| *open).await.unwrap();
                    Ok(Some("a".to_owned()))
                };
                f.cache.get(1, load).await.unwrap().unwrap()
            })
        })
        .collect();
    while f.loads() == 0 {
        tokio::task::yield_now().await;
    }
    go.send(true).unwrap();
    for call in calls {
        assert_eq!(call.await.unwrap().as_str(), "a");
    }
    assert_eq!(f.loads(), 1);
}

#[tokio::test]
async fn an_invalidated_entry_is_gone_even_if_a_lookup_was_under_way() {
    let f = Fixture::new();
    assert_eq!(f.get(Ok(Some("a"))).await, Ok(Some("a".to_owned())));
    f.cache.invalidate(&1);
    assert!(f.cache.fresh(&1).is_none());
    assert_eq!(
        f.get(Err(DbErr::Custom("down".to_owned()))).await,
        Err(Unavailable),
        "it does not stand in either"
    );
    f.clock.advance(Duration::from_secs(1));

    let overtaken = async {
        f.cache.invalidate(&1);
        Ok(Some("old".to_owned()))
    };
    assert_eq!(f.cache.get(1, overtaken).await.unwrap().unwrap().as_str(), "old");
    assert!(f.cache.fresh(&1).is_none());
    assert_eq!(f.get(Ok(Some("new"))).await, Ok(Some("new".to_owned())));
}

#[tokio::test]
async fn entries_are_invalidated_by_what_they_hold() {
    let f = Fixture::new();
    for (key, value) in [(1, "a"), (2, "b"), (3, "b")] {
        f.cache.get(key, ready(Ok(Some(value.to_owned())))).await.unwrap();
    }
    let fresh = || [1, 2, 3].map(|key| f.cache.fresh(&key).is_some());
    f.cache.invalidate_where(|key, value| *key > 2 || value == "a");
    assert_eq!(fresh(), [false, true, false]);
}

#[tokio::test]
async fn entries_in_doubt_are_looked_up_and_stand_in_where_that_fails() {
    let f = Fixture::new();
    f.get(Ok(Some("a"))).await.unwrap();
    f.cache.doubt_all();
    assert_eq!(f.get(Err(DbErr::Custom("away".to_owned()))).await, Ok(Some("a".to_owned())));
    f.clock.advance(Duration::from_secs(1));
    assert_eq!(f.get(Ok(Some("b"))).await, Ok(Some("b".to_owned())));
    f.cache.doubt_all();
    assert_eq!(f.get(Ok(None)).await, Ok(None));
    assert_eq!(f.loads(), 4);
}
