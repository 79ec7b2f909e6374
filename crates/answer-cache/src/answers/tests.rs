#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use async_trait::async_trait;
use futures_util::future::{Either, select};
use redis_server::RedisServer;
use uuid::Uuid;

use super::*;
use crate::{Embedded, Redis};

const DAY: Duration = Duration::from_hours(24);
const START_MS: i64 = 1_794_744_000_000;

fn place() -> Place {
    Place::numbered(Uuid::from_u128(1), 1)
}

fn json(body: &'static str) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { headers, body: Bytes::from_static(body.as_bytes()), streamed: false }
}

fn embedded() -> (Answers, Clock) {
    let clock = Clock::starting_at(START_MS);
    (Answers::new(Box::new(Embedded::new(64 << 20)), clock.clone(), 1 << 20), clock)
}

async fn miss(answers: &Answers) -> Keeping {
    match answers.find(place(), DAY).await {
        Found::Miss(keeping) => keeping,
        Found::Hit(_) => panic!("a hit"),
    }
}

async fn hit(answers: &Answers, max_age: Duration) -> Option<Bytes> {
    match answers.find(place(), max_age).await {
        Found::Hit(entry) => Some(entry.answer.body.clone()),
        Found::Miss(_) => None,
    }
}

/// Waits until nobody is under way: what was kept is in the store.
async fn settled(answers: &Answers) {
    while answers.0.flights.count() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_answer_is_given_until_it_ends_and_to_who_takes_one_so_old() {
    let (answers, clock) = embedded();
    miss(&answers).await.keep(json("{}"));
    assert!(hit(&answers, DAY).await.is_some(), "at once");
    settled(&answers).await;
    clock.advance(Duration::from_hours(2));
    assert!(hit(&answers, DAY).await.is_some());
    assert!(hit(&answers, Duration::from_hours(1)).await.is_none(), "too old for this one");
    clock.advance(Duration::from_hours(22));
    assert!(hit(&answers, Duration::from_hours(900)).await.is_none(), "it has ended");
    assert_eq!(answers.counts(), Counts { hits: 2, misses: 3, kept: 1, ..Counts::default() });
}

#[tokio::test]
async fn what_is_broken_or_too_long_is_not_kept() {
    let (answers, _) = embedded();
    let long: &str = Box::leak(format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20)).into_boxed_str());
    for answer in [json("{\"error\":{}}"), json("{\"cut"), json(long)] {
        miss(&answers).await.keep(answer);
    }
    drop(miss(&answers).await);
    miss(&answers).await.let_go();
    assert!(hit(&answers, DAY).await.is_none());
    assert_eq!(answers.counts().kept, 0);
}

#[tokio::test]
async fn a_refresh_takes_the_place_of_what_was_kept() {
    let (answers, _) = embedded();
    miss(&answers).await.keep(json("{\"n\":1}"));
    settled(&answers).await;
    answers.refresh(place(), DAY).keep(json("{\"n\":2}"));
    while answers.counts().kept < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(hit(&answers, DAY).await.unwrap(), "{\"n\":2}");
}

#[tokio::test]
async fn a_stream_is_given_with_the_end_of_its_last_event() {
    for (came, given) in [
        ("data: 1\n\ndata: [DONE]", "data: 1\n\ndata: [DONE]\n\n"),
        ("data: [DONE]\n", "data: [DONE]\n\n"),
        ("data: [DONE]\r\n\r\n", "data: [DONE]\r\n\r\n"),
    ] {
        let (answers, _) = embedded();
        let body = Bytes::from_static(came.as_bytes());
        miss(&answers).await.keep(Answer { body, streamed: true, ..Answer::default() });
        assert_eq!(hit(&answers, DAY).await.unwrap(), given);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_equal_calls_one_asks_and_all_get_its_answer() {
    let server = RedisServer::start();
    let redis = Redis::connect(&server.url().into(), Duration::from_secs(20)).unwrap();
    let stores: [Box<dyn Store>; 2] = [Box::new(Embedded::new(64 << 20)), Box::new(redis)];
    for store in stores {
        let answers = Answers::new(store, Clock::starting_at(START_MS), 1 << 20);
        let asked = Arc::new(AtomicU64::new(0));
        let calls: Vec<_> = (0..50)
            .map(|_| {
                let (answers, asked) = (answers.clone(), Arc::clone(&asked));
                tokio::spawn(async move {
                    match answers.find(place(), DAY).await {
                        Found::Hit(entry) => assert_eq!(entry.answer.body, "{}"),
                        Found::Miss(keeping) => {
                            asked.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                            keeping.keep(json("{}"));
                        }
                    }
                })
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        settled(&answers).await;
    }
}

/// Polls a search until it waits.
async fn waits(answers: &Answers) -> tokio::task::JoinHandle<Found> {
    let (answers, noticed) = (answers.clone(), Arc::new(AtomicBool::new(false)));
    let begun = Arc::clone(&noticed);
    let search = tokio::spawn(async move {
        begun.store(true, Ordering::Relaxed);
        answers.find(place(), DAY).await
    });
    // On one thread: once it has begun it has run until it had to wait.
    while !noticed.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
    }
    search
}

#[tokio::test]
async fn one_that_goes_away_is_followed_by_the_next_and_a_follower_may_leave() {
    let (answers, _) = embedded();
    let leader = miss(&answers).await;
    let followers = [waits(&answers).await, waits(&answers).await, waits(&answers).await];
    followers[0].abort();
    drop(leader);
    // Which of the two goes first is nobody's promise.
    let [_, one, other] = followers;
    let (Either::Left((first, waiting)) | Either::Right((first, waiting))) = select(one, other).await;
    let (Found::Miss(next), false) = (first.unwrap(), waiting.is_finished()) else { panic!("nobody leads") };
    next.keep(json("{}"));
    assert!(matches!(waiting.await.unwrap(), Found::Hit(_)));
}

#[tokio::test]
async fn an_answer_that_is_unfit_lets_all_ask_at_once() {
    let (answers, _) = embedded();
    let leader = miss(&answers).await;
    let followers = [waits(&answers).await, waits(&answers).await];
    leader.let_go();
    let mut asking = Vec::new();
    for follower in followers {
        match follower.await.unwrap() {
            Found::Miss(keeping) => asking.push(keeping),
            Found::Hit(_) => panic!("there is nothing"),
        }
    }
    for keeping in asking {
        keeping.keep(json("{}"));
    }
}

/// It is away.
struct Failing;

#[async_trait]
impl Store for Failing {
    fn at_hand(&self, _place: &Place) -> Option<Arc<Entry>> {
        None
    }

    async fn get(&self, _place: &Place) -> Result<Option<Arc<Entry>>, Unavailable> {
        Err(Unavailable("away".into()))
    }

    async fn put(&self, _place: &Place, _entry: &Arc<Entry>, _now_ms: i64) -> Result<(), Unavailable> {
        Err(Unavailable("away".into()))
    }

    fn size(&self) -> u64 {
        0
    }
}

#[tokio::test]
async fn a_store_that_is_away_has_nothing_and_takes_nothing() {
    let answers = Answers::new(Box::new(Failing), Clock::starting_at(START_MS), 1 << 20);
    miss(&answers).await.keep(json("{}"));
    settled(&answers).await;
    drop(miss(&answers).await);
    assert_eq!(answers.counts(), Counts { misses: 2, failures: 3, ..Counts::default() });
}
