//! What every ledger must do. Each check counts for an organisation of its own.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use uuid::Uuid;

use crate::ledger::{Answer, Ask, Call, Error, Kind, Ledger, Settling};

const KEEP_MS: u64 = 60_000;
const START_MS: i64 = 1_794_744_000_000;

/// A step of [`follow`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A new call asks for so much of the budget, of the tokens, and for a request.
    Reserve { cost: u64, tokens: u64 },
    /// One of the calls so far has ended, having used so much.
    Settle { call: usize, cost: u64, tokens: u64 },
    /// So many milliseconds go by.
    Wait(i64),
}

/// How long what a call of [`follow`] reserves is held.
const HELD_MS: i64 = 50;

pub(crate) fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..40_u64, 0..60_u64).prop_map(|(cost, tokens)| Step::Reserve { cost, tokens }),
        3 => (any::<usize>(), 0..50_u64, 0..50_u64)
            .prop_map(|(call, cost, tokens)| Step::Settle { call, cost, tokens }),
        1 => (0..60_i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..60)
}

/// The whole suite. The race needs a runtime of several threads to mean anything.
pub(crate) async fn all(ledger: &Arc<dyn Ledger>, organisation: impl Fn() -> Uuid) -> Result<(), Error> {
    a_budget_that_is_missing_is_unknown_and_seeded_once(&**ledger, organisation()).await?;
    all_is_reserved_or_nothing(&**ledger, organisation()).await?;
    where_all_is_used_there_is_no_room_for_nothing_either(&**ledger, organisation()).await?;
    tokens_of_more_than_the_limit_take_all_of_it(&**ledger, organisation()).await?;
    what_is_held_ends_with_its_time_or_its_call(&**ledger, organisation()).await?;
    a_call_that_asks_again_has_what_it_asked_for_last(&**ledger, organisation()).await?;
    what_is_released_was_never_asked_for(&**ledger, organisation()).await?;
    to_settle_twice_counts_once(&**ledger, organisation()).await?;
    organisations_are_counted_apart(&**ledger, organisation(), organisation()).await?;
    a_race_never_passes_the_limit(ledger, organisation()).await
}

async fn what_is_released_was_never_asked_for(ledger: &dyn Ledger, organisation: Uuid) -> Result<(), Error> {
    ledger.seed(organisation, "budget", 5, KEEP_MS).await?;
    let asks = [ask("budget", Kind::Budget, 10, 5), ask("tokens", Kind::Tokens, 10, 10)];
    let counters = ["budget".to_owned(), "tokens".to_owned(), "unknown".to_owned()];
    assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks).await?, Answer::Reserved);
    ledger.release(call(organisation, 2, 0), &counters).await?;
    let refused = ledger.reserve(call(organisation, 2, 0), &asks).await?;
    assert_eq!(refused, Answer::Refused { at: 0, used: 10 }, "another call's stands");
    for _ in 0..2 {
        ledger.release(call(organisation, 1, 0), &counters).await?;
    }
    assert_eq!(ledger.reserve(call(organisation, 2, 0), &asks).await?, Answer::Reserved);
    // A counter that was never known is not known by it.
    let unknown = [ask("unknown", Kind::Budget, 10, 1)];
    assert_eq!(ledger.reserve(call(organisation, 1, 0), &unknown).await?, Answer::Unknown(vec![0]));
    Ok(())
}

fn call(organisation: Uuid, id: u128, at_ms: i64) -> Call {
    let at_ms = START_MS + at_ms;
    Call { organisation, id: Uuid::from_u128(id), at_ms, expires_ms: at_ms + HELD_MS }
}

fn ask(counter: &str, kind: Kind, limit: u64, n: u64) -> Ask {
    Ask { counter: counter.to_owned(), kind, limit, n, keep_ms: KEEP_MS }
}

fn settling(counter: &str, kind: Kind, row: u64, calls: &[(u128, u64)]) -> Settling {
    let calls = calls.iter().map(|(id, used)| (Uuid::from_u128(*id), *used)).collect();
    Settling { counter: counter.to_owned(), kind, row, calls, keep_ms: KEEP_MS }
}

async fn a_budget_that_is_missing_is_unknown_and_seeded_once(
    ledger: &dyn Ledger,
    organisation: Uuid,
) -> Result<(), Error> {
    let asks = [
        ask("requests", Kind::Requests, 1, 1),
        ask("one", Kind::Budget, 100, 10),
        ask("tokens", Kind::Tokens, 10, 1),
        ask("two", Kind::Budget, 100, 10),
    ];
    let reserve = || ledger.reserve(call(organisation, 1, 0), &asks);
    assert_eq!(reserve().await?, Answer::Unknown(vec![1, 3]));
    ledger.seed(organisation, "one", 90, KEEP_MS).await?;
    ledger.seed(organisation, "one", 0, KEEP_MS).await?;
    assert_eq!(reserve().await?, Answer::Unknown(vec![3]));
    ledger.seed(organisation, "two", 91, KEEP_MS).await?;
    assert_eq!(reserve().await?, Answer::Refused { at: 3, used: 91 });
    assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks[..3]).await?, Answer::Reserved);
    Ok(())
}

async fn all_is_reserved_or_nothing(ledger: &dyn Ledger, organisation: Uuid) -> Result<(), Error> {
    ledger.seed(organisation, "budget", 0, KEEP_MS).await?;
    let asks = |requests| {
        [
            ask("budget", Kind::Budget, 10, 10),
            ask("tokens", Kind::Tokens, 10, 10),
            ask("requests", Kind::Requests, requests, 1),
        ]
    };
    for _ in 0..3 {
        let refused = ledger.reserve(call(organisation, 1, 0), &asks(0)).await?;
        assert_eq!(refused, Answer::Refused { at: 2, used: 0 });
    }
    assert_eq!(ledger.reserve(call(organisation, 2, 0), &asks(1)).await?, Answer::Reserved);
    let refused = ledger.reserve(call(organisation, 3, 0), &asks(1)).await?;
    assert_eq!(refused, Answer::Refused { at: 0, used: 10 });
    Ok(())
}

async fn where_all_is_used_there_is_no_room_for_nothing_either(
    ledger: &dyn Ledger,
    organisation: Uuid,
) -> Result<(), Error> {
    ledger.seed(organisation, "budget", 10, KEEP_MS).await?;
    for (counter, kind, limit, answer) in [
        ("budget", Kind::Budget, 10, Answer::Refused { at: 0, used: 10 }),
        ("tokens", Kind::Tokens, 0, Answer::Refused { at: 0, used: 0 }),
        ("requests", Kind::Requests, 0, Answer::Refused { at: 0, used: 0 }),
        ("budget", Kind::Budget, 11, Answer::Reserved),
    ] {
        let asks = [ask(counter, kind, limit, 0)];
        assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks).await?, answer, "{counter}");
    }
    Ok(())
}

async fn tokens_of_more_than_the_limit_take_all_of_it(
    ledger: &dyn Ledger,
    organisation: Uuid,
) -> Result<(), Error> {
    let asks = |n| [ask("tokens", Kind::Tokens, 100, n)];
    assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks(5_000)).await?, Answer::Reserved);
    let refused = ledger.reserve(call(organisation, 2, 0), &asks(1)).await?;
    assert_eq!(refused, Answer::Refused { at: 0, used: 100 });
    ledger.settle(organisation, &[settling("tokens", Kind::Tokens, 0, &[(1, 40)])]).await?;
    let refused = ledger.reserve(call(organisation, 2, 0), &asks(5_000)).await?;
    assert_eq!(refused, Answer::Refused { at: 0, used: 40 });
    assert_eq!(ledger.reserve(call(organisation, 2, 0), &asks(60)).await?, Answer::Reserved);
    Ok(())
}

async fn what_is_held_ends_with_its_time_or_its_call(
    ledger: &dyn Ledger,
    organisation: Uuid,
) -> Result<(), Error> {
    let asks = [ask("budget", Kind::Budget, 10, 6)];
    ledger.seed(organisation, "budget", 0, KEEP_MS).await?;
    assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks).await?, Answer::Reserved);
    let refused = Answer::Refused { at: 0, used: 6 };
    assert_eq!(ledger.reserve(call(organisation, 2, HELD_MS - 1), &asks).await?, refused);
    assert_eq!(ledger.reserve(call(organisation, 2, HELD_MS), &asks).await?, Answer::Reserved);
    ledger.settle(organisation, &[settling("budget", Kind::Budget, 3, &[(2, 3)])]).await?;
    assert_eq!(ledger.reserve(call(organisation, 3, HELD_MS), &asks).await?, Answer::Reserved);
    let refused = Answer::Refused { at: 0, used: 9 };
    assert_eq!(ledger.reserve(call(organisation, 4, HELD_MS), &asks).await?, refused);
    Ok(())
}

async fn a_call_that_asks_again_has_what_it_asked_for_last(
    ledger: &dyn Ledger,
    organisation: Uuid,
) -> Result<(), Error> {
    ledger.seed(organisation, "budget", 0, KEEP_MS).await?;
    for (id, n, answer) in [
        (1, 8, Answer::Reserved),
        (1, 9, Answer::Reserved),
        (1, 11, Answer::Refused { at: 0, used: 0 }),
        (2, 2, Answer::Refused { at: 0, used: 9 }),
        (1, 5, Answer::Reserved),
        (2, 5, Answer::Reserved),
        (3, 1, Answer::Refused { at: 0, used: 10 }),
    ] {
        let asks = [ask("budget", Kind::Budget, 10, n)];
        assert_eq!(ledger.reserve(call(organisation, id, 0), &asks).await?, answer, "{id} {n}");
    }
    Ok(())
}

async fn to_settle_twice_counts_once(ledger: &dyn Ledger, organisation: Uuid) -> Result<(), Error> {
    ledger.seed(organisation, "budget", 0, KEEP_MS).await?;
    let asks = [ask("budget", Kind::Budget, 100, 60), ask("tokens", Kind::Tokens, 100, 60)];
    assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks).await?, Answer::Reserved);
    let settlings = [
        settling("budget", Kind::Budget, 30, &[(1, 0), (9, 0)]),
        settling("tokens", Kind::Tokens, 0, &[(1, 20), (9, 70)]),
    ];
    for _ in 0..3 {
        ledger.settle(organisation, &settlings).await?;
    }
    // Overtaken on its way.
    ledger.settle(organisation, &[settling("budget", Kind::Budget, 10, &[])]).await?;
    for (at, used) in [(0, 30), (1, 20)] {
        let all = [Ask { n: 100, ..asks[at].clone() }];
        let refused = ledger.reserve(call(organisation, 2, 0), &all).await?;
        assert_eq!(refused, Answer::Refused { at: 0, used });
    }
    Ok(())
}

async fn organisations_are_counted_apart(ledger: &dyn Ledger, one: Uuid, other: Uuid) -> Result<(), Error> {
    for organisation in [one, other] {
        let asks = [ask("requests", Kind::Requests, 1, 1)];
        assert_eq!(ledger.reserve(call(organisation, 1, 0), &asks).await?, Answer::Reserved);
        let refused = ledger.reserve(call(organisation, 2, 0), &asks).await?;
        assert_eq!(refused, Answer::Refused { at: 0, used: 1 });
    }
    Ok(())
}

/// Calls that reserve the most they may use, use less and settle, all at once: what is used and held never passes the limit.
async fn a_race_never_passes_the_limit(ledger: &Arc<dyn Ledger>, organisation: Uuid) -> Result<(), Error> {
    const LIMIT: u64 = 300;
    const RACERS: u128 = 16;
    ledger.seed(organisation, "budget", 0, KEEP_MS).await?;
    let store = Arc::new(std::sync::Mutex::new((0_u64, 0_u64)));
    let mut racers = tokio::task::JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, store) = (Arc::clone(ledger), Arc::clone(&store));
        racers.spawn(async move {
            for round in 0..40 {
                let (id, most) = (racer * 1_000 + round, 3 + u64::try_from(racer).unwrap_or(0) % 7);
                let asks = [ask("budget", Kind::Budget, LIMIT, most)];
                if ledger.reserve(call(organisation, id, 0), &asks).await? != Answer::Reserved {
                    continue;
                }
                {
                    let mut store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    store.1 += most;
                    assert!(store.0 + store.1 <= LIMIT, "{store:?}");
                }
                tokio::task::yield_now().await;
                let row = {
                    let mut store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    *store = (store.0 + most / 2, store.1 - most);
                    store.0
                };
                // Between the row and here the ledger counts the call twice, never not at all.
                ledger.settle(organisation, &[settling("budget", Kind::Budget, row, &[(id, 0)])]).await?;
            }
            Ok::<(), Error>(())
        });
    }
    racers.join_all().await.into_iter().collect::<Result<(), Error>>()?;
    let spent = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0;
    let refused =
        ledger.reserve(call(organisation, 1, 0), &[ask("budget", Kind::Budget, LIMIT, LIMIT + 1)]).await?;
    assert_eq!(refused, Answer::Refused { at: 0, used: spent });
    assert!(spent > LIMIT - 10, "the race reaches the limit: {spent}");
    Ok(())
}

/// What the counters should be.
#[derive(Default)]
struct Model {
    spent: u64,
    tokens: u64,
    requests: u64,
    /// What each call holds of the budget and of the tokens, and until when.
    held: HashMap<u128, (u64, u64, i64)>,
}

impl Model {
    fn held(&self, now: i64) -> (u64, u64) {
        let open = self.held.values().filter(|(_, _, until)| *until > now);
        open.fold((0, 0), |sum, (cost, tokens, _)| (sum.0 + cost, sum.1 + tokens))
    }
}

/// Takes the steps, and compares each answer with a plain model.
pub(crate) async fn follow(ledger: &dyn Ledger, organisation: Uuid, steps: &[Step]) -> Result<(), Error> {
    const LIMITS: (u64, u64, u64) = (100, 120, 30);
    let (mut model, mut now, mut calls) = (Model::default(), 0, 0_u128);
    ledger.seed(organisation, "budget", 0, KEEP_MS).await?;
    for step in steps {
        match *step {
            Step::Wait(ms) => now += ms,
            Step::Reserve { cost, tokens } => {
                let asks = [
                    ask("budget", Kind::Budget, LIMITS.0, cost),
                    ask("tokens", Kind::Tokens, LIMITS.1, tokens),
                    ask("requests", Kind::Requests, LIMITS.2, 1),
                ];
                let held = model.held(now);
                let used = [model.spent + held.0, model.tokens + held.1, model.requests];
                let refused = (0..3).find(|at| {
                    let limit = asks[*at].limit;
                    used[*at] >= limit || asks[*at].n > limit - used[*at]
                });
                let got = ledger.reserve(call(organisation, calls, now), &asks).await?;
                let expected = refused.map_or(Answer::Reserved, |at| Answer::Refused { at, used: used[at] });
                assert_eq!(got, expected, "{step:?}");
                if refused.is_none() {
                    model.requests += 1;
                    model.held.insert(calls, (cost, tokens, now + HELD_MS));
                }
                // One that has expired may be settled yet, unless the ledger has noticed.
                model.held.retain(|_, (_, _, until)| *until > now);
                calls += 1;
            }
            Step::Settle { call, cost, tokens } if calls > 0 => {
                let id = u128::try_from(call).unwrap_or(0) % calls;
                model.spent += cost;
                let settlings = [
                    settling("budget", Kind::Budget, model.spent, &[(id, 0)]),
                    settling("tokens", Kind::Tokens, 0, &[(id, tokens)]),
                ];
                ledger.settle(organisation, &settlings).await?;
                if model.held.remove(&id).is_some() {
                    model.tokens += tokens;
                }
            }
            Step::Settle { .. } => {}
        }
    }
    Ok(())
}
