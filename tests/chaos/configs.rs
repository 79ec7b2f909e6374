//! Calls under configs that are made at random, to providers that answer at random: each call has one log, whose attempts are the
//! requests that the providers got, and its caller gets an answer that is one, or an error that is one.

mod config;
mod providers;

use entity::log;
use recorder::Attempt;
use redis_server::RedisServer;
use reqwest::header::HeaderMap;
use sea_orm::{DatabaseConnection, EntityTrait as _};
use serde_json::Value;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{Chaos, size};
use crate::harness::{Chance, Fleet, Tenant, chat, log_id, read, until};
use config::TIMEOUT_MS;
use providers::{Asked, Providers};

/// Callers at the same time.
const CALLERS: usize = 8;

/// A pause in a stream that is too long.
const IDLE_MS: &str = "400";

/// How far memory may grow while calls are made, whatever is answered: each call keeps no more than a part of its answer.
const MEMORY: usize = 192 << 20;

const SETTINGS: [(&str, &str); 2] =
    [("TURNPIKE_GATEWAY__STREAM_IDLE_TIMEOUT_MS", IDLE_MS), ("TURNPIKE_GATEWAY__RETRY_BASE_MS", "1")];

/// A call, and what its caller got.
struct Got {
    /// What the providers know it by; a call that is made twice has one.
    word: String,
    id: Uuid,
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
    is_whole: bool,
    config: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_config_says_and_providers_do_each_call_has_one_log_of_all_that_was_asked() {
    let mut chaos = Chaos::begin("configs");
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(1, &redis, &SETTINGS);
    let tenant = fleet.org("enterprise");
    let providers = Providers::start(chaos.chance.next(), size(2, 100)).await;
    let addr = fleet.addrs()[0];
    let before = fleet.process(0).peak_memory();
    let mut callers: JoinSet<Vec<Got>> = (0..CALLERS)
        .map(|caller| {
            let (providers, tenant) = (providers.clone(), tenant.clone());
            let chance = Chance::seeded(chaos.chance.next());
            call_all(caller, size(12, 500), chance, addr, tenant, providers)
        })
        .collect();
    let mut calls = Vec::new();
    while let Some(made) = callers.join_next().await {
        calls.extend(made.unwrap_or_else(|_| panic!("the gateway said:\n{}", fleet.complaints())));
    }
    let grown = fleet.process(0).peak_memory() - before;
    fleet.caught_up(&tenant, calls.len()).await;
    fleet.stop();

    let db = fleet.database().await;
    let (mut asked, mut cut) = (0, 0);
    for same in calls.chunk_by(|one, other| one.word == other.word) {
        asked += check(&db, same, &providers).await;
        cut += same.iter().filter(|got| !got.is_whole).count();
    }
    db.close().await.unwrap();
    assert_eq!(fleet.reconcile()["logs"], calls.len());
    chaos.tell(format_args!(
        "over: {} calls, as many logs, {asked} requests to providers, {cut} answers cut; memory grew by {} MiB",
        calls.len(),
        grown >> 20
    ));
    assert!(grown < MEMORY, "memory grew by {grown} bytes");
}

/// Makes calls one after the other, some of them twice.
async fn call_all(
    caller: usize,
    calls: usize,
    mut chance: Chance,
    addr: std::net::SocketAddr,
    tenant: Tenant,
    providers: Providers,
) -> Vec<Got> {
    let http = reqwest::Client::new();
    let mut got = Vec::new();
    for call in 0..calls {
        let word = format!("call-{caller}-{call}-");
        let config = config::random(&mut chance, &providers);
        let mut body = chat(&word);
        body["stream"] = (chance.below(2) == 0).into();
        let tier = chance.one_of(&["gold", "silver"]);
        for _ in 0..=chance.below(2) {
            let request = http
                .post(format!("http://{addr}/v1/chat/completions"))
                .header("x-portkey-api-key", &tenant.key)
                .header("x-portkey-metadata", format!(r#"{{"tier":"{tier}"}}"#))
                .header("x-portkey-config", config.to_string())
                .json(&body);
            let mut response =
                request.send().await.unwrap_or_else(|error| panic!("{error:?} under {config}"));
            let (status, id) = (response.status().as_u16(), log_id(&response).parse().unwrap());
            let headers = response.headers().clone();
            let (body, is_whole) = read(&mut response).await;
            got.push(Got { word: word.clone(), id, status, headers, body, is_whole, config: config.clone() });
        }
    }
    got
}

/// Holds calls of one word to their logs and to what the providers were asked; gives how often that was.
async fn check(db: &DatabaseConnection, calls: &[Got], providers: &Providers) -> usize {
    let mut attempts = Vec::new();
    for got in calls {
        let log = log::Entity::find_by_id(got.id).one(db).await.unwrap().unwrap();
        let about = format!("{} under {}: {log:?}", got.word, got.config);
        assert_eq!(i32::from(got.status), i32::from(log.status_code), "{about}");
        got.check_answer(&log, &about);
        let of_call: Vec<Attempt> =
            log.attempts.clone().map(|all| serde_json::from_value(all).unwrap()).unwrap_or_default();
        let Some(last) = of_call.last() else {
            assert_eq!(
                (got.status, log.outcome.as_str()),
                (400, "refused"),
                "there was nowhere to go: {about}"
            );
            continue;
        };
        // Else there was nowhere to go on to.
        if log.outcome != "refused" {
            assert_eq!(last.target, log.option_path, "{about}");
            assert_eq!(last.error.is_some(), !got.is_whole || !was_good(last, got), "{about}");
        }
        assert_eq!(got.header("x-portkey-last-used-option-index"), log.option_path, "{about}");
        assert_eq!(got.header("x-portkey-retry-attempt-count"), log.retry_count.to_string(), "{about}");
        assert!(of_call.is_sorted_by_key(|attempt| attempt.started_us), "{about}");
        attempts.extend(of_call.into_iter().filter(was_asked));
    }
    let asked = until("the providers were asked as often as the logs say", || async {
        let asked = providers.asked(&calls[0].word);
        (asked.len() >= attempts.len()).then_some(asked)
    })
    .await;
    // On a busy machine a provider that meant to answer at once is too late as well, and knows nothing of it;
    // it may even read the request when the next provider has read its own.
    let was_late = |attempt: &Attempt| attempt.status.is_none() && attempt.latency_us >= TIMEOUT_MS * 1_000;
    let mut read = asked.iter().collect::<Vec<_>>();
    if attempts.iter().any(was_late) {
        attempts.sort_by_key(|attempt| (attempt.target.clone(), attempt.url.clone()));
        read.sort_by_key(|asked| (asked.target.clone(), asked.url.clone()));
    }
    let logged = attempts.iter().map(|attempt| (&attempt.target, &attempt.url, attempt.status));
    let late = attempts.iter().map(was_late).chain(std::iter::repeat(false));
    let answered = read.iter().zip(late);
    let answered = answered.map(|(asked, late)| (&asked.target, &asked.url, asked.status.filter(|_| !late)));
    let (logged, answered): (Vec<_>, Vec<_>) = (logged.collect(), answered.collect());
    assert_eq!(logged, answered, "{} under {}", calls[0].word, calls[0].config);
    for got in calls {
        got.check_bytes(&asked);
    }
    asked.len()
}

/// Whether a provider was: not where the cache answered or a guardrail denied the request.
fn was_asked(attempt: &Attempt) -> bool {
    attempt.status.is_some() || attempt.error.is_some()
}

/// Whether the answer of the last attempt was taken as it is.
fn was_good(last: &Attempt, got: &Got) -> bool {
    !was_asked(last) || last.status.is_some_and(|status| status == got.status || got.status == 246)
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What came of a provider: a stream that breaks off is told so in an event of the gateway's own.
    fn passed_on(&self) -> &[u8] {
        const OWN: &[u8] = b"\n\ndata: {\"error\"";
        let end = self.body.windows(OWN.len()).position(|window| window == OWN);
        &self.body[..end.unwrap_or(self.body.len())]
    }

    /// It is an answer or an error, and the log says which.
    fn check_answer(&self, log: &log::Model, about: &str) {
        if !self.is_whole {
            assert!(["upstream_cut", "timed_out"].contains(&log.outcome.as_str()), "{about}");
            return;
        }
        if [200, 246].contains(&self.status) {
            assert_eq!(log.outcome, "answered", "{about}");
            return;
        }
        let error: Value = serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {} {}: {about}", self.status, String::from_utf8_lossy(&self.body))
        });
        assert!(error["error"].is_object() || error["message"].is_string(), "{error}: {about}");
        if self.status == 446 {
            assert!(error["hook_results"].is_object(), "{error}: {about}");
        }
    }

    /// What was passed on is what one of the providers sent, where guardrails had nothing to add to it: all of it, or its beginning.
    fn check_bytes(&self, asked: &[Asked]) {
        let guarded = self.config.to_string().contains("guardrails");
        let short = asked.iter().all(|asked| asked.status.is_none() || asked.body.is_some());
        if guarded || !short || self.header("x-portkey-gateway-exception") == "true" {
            return;
        }
        let mut sent = asked.iter().filter_map(|asked| Some((asked.body.as_ref()?, asked.is_whole)));
        let is_sent = match self.status {
            // In the gateway's own words.
            400 if self.body.starts_with(br#"{"status":"failure""#) => true,
            408 | 500 if !sent.clone().any(|(body, _)| *body == self.body) => true,
            _ if self.is_whole => sent.any(|(body, is_whole)| is_whole && *body == self.body),
            // A busy machine makes pauses in whole answers too.
            _ => sent.any(|(body, _)| body.starts_with(self.passed_on())),
        };
        assert!(
            is_sent,
            "{} under {}: {} (whole: {}) {:?}, and what was sent is {asked:?}",
            self.word,
            self.config,
            self.status,
            self.is_whole,
            String::from_utf8_lossy(&self.body),
        );
    }
}
