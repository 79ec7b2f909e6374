//! Stripe as far as meter events go: it keeps each identifier once, says so when it comes again, and fails when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use clock::Clock;
use serde_json::json;

use super::{Chance, Exchange, Upstream};

/// What it wants to be shown.
pub const STRIPE_KEY: &str = "sk_test_kanari-5e2a-stripe";

const DAY_S: i64 = 86_400;

/// A stand-in for Stripe. Clones share it.
#[derive(Clone)]
pub struct StripeStandIn {
    url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    clock: Clock,
    /// None: nothing fails.
    chance: Option<Chance>,
    /// By identifier, what it was taken with.
    taken: BTreeMap<String, Fields>,
    asked: usize,
    duplicates: usize,
    failed: usize,
    /// What was sent and is not right.
    wrong: Vec<String>,
    /// All is answered with that.
    always: Option<(u16, serde_json::Value)>,
}

pub type Fields = BTreeMap<String, String>;

/// How a call is answered.
enum Answer {
    Json(u16, serde_json::Value),
    Cut,
}

impl StripeStandIn {
    /// By whose clock it judges timestamps.
    pub async fn start(clock: Clock) -> Self {
        let upstream = Upstream::start().await;
        let state = State {
            clock,
            chance: None,
            taken: BTreeMap::new(),
            asked: 0,
            duplicates: 0,
            failed: 0,
            wrong: Vec::new(),
            always: None,
        };
        let stripe = Self { url: format!("http://{}", upstream.addr), state: Arc::new(Mutex::new(state)) };
        let answering = stripe.clone();
        upstream.answer_each(move |exchange| {
            let answer = answering.state().answer(&exchange);
            async move {
                match answer {
                    Answer::Json(status, body) => exchange.json(status, &body).await,
                    Answer::Cut => exchange.die(),
                }
            }
        });
        stripe
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on it fails, before or after it took what it was sent, as chance has it.
    pub fn fail_by(&self, chance: Chance) {
        self.state().chance = Some(chance);
    }

    /// From now on all is answered with this; `None`: as it should be.
    pub fn always(&self, answer: Option<(u16, serde_json::Value)>) {
        self.state().always = answer;
    }

    /// What it has taken, by identifier.
    pub fn taken(&self) -> BTreeMap<String, Fields> {
        self.state().taken.clone()
    }

    /// Calls, those that repeated an identifier, and those that failed.
    pub fn counts(&self) -> (usize, usize, usize) {
        let state = self.state();
        (state.asked, state.duplicates, state.failed)
    }

    /// What was sent and is not right.
    pub fn wrong(&self) -> Vec<String> {
        self.state().wrong.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self, exchange: &Exchange) -> Answer {
        self.asked += 1;
        if let Some((status, body)) = &self.always {
            return Answer::Json(*status, body.clone());
        }
        let fault = self.chance.as_mut().map_or(usize::MAX, |chance| chance.below(8));
        let broken = || Answer::Json(500, json!({"error": {"type": "api_error", "message": "broken"}}));
        self.failed += usize::from(fault < 5);
        match fault {
            0 => broken(),
            1 => Answer::Cut,
            2 => Answer::Json(429, json!({"error": {"type": "rate_limit_error", "message": "too many"}})),
            // It takes it, and nobody hears of it.
            3 => {
                self.take(exchange);
                broken()
            }
            4 => {
                self.take(exchange);
                Answer::Cut
            }
            _ => self.take(exchange),
        }
    }

    fn take(&mut self, exchange: &Exchange) -> Answer {
        let asked = exchange.head.lines().next().unwrap_or_default();
        if asked != "POST /v1/billing/meter_events HTTP/1.1" {
            self.wrong.push(asked.to_owned());
            return Answer::Json(
                404,
                json!({"error": {"type": "invalid_request_error", "message": "no such URL"}}),
            );
        }
        if exchange.header("authorization") != Some(&format!("Bearer {STRIPE_KEY}")) {
            return Answer::Json(
                401,
                json!({"error": {"type": "invalid_request_error", "message": "Invalid API Key"}}),
            );
        }
        let form = String::from_utf8_lossy(&exchange.body).into_owned();
        let url = reqwest::Url::parse(&format!("http://form/?{form}")).unwrap();
        let fields: Fields = url.query_pairs().into_owned().collect();
        self.wrong.extend(self.complaint(&fields));
        let identifier = fields["identifier"].clone();
        if self.taken.contains_key(&identifier) {
            self.duplicates += 1;
            let message = format!("An event already exists with identifier {identifier}.");
            return Answer::Json(
                400,
                json!({"error": {"type": "invalid_request_error", "message": message}}),
            );
        }
        self.taken.insert(identifier.clone(), fields);
        Answer::Json(200, json!({"object": "billing.meter_event", "identifier": identifier}))
    }

    fn complaint(&self, fields: &Fields) -> Option<String> {
        let now_s = self.clock.now_ms() / 1000;
        let at: i64 = fields["timestamp"].parse().unwrap();
        let in_time = at > now_s - 35 * DAY_S && at <= now_s + 300;
        let right = in_time
            && fields["event_name"] == "turnpike_overage_block"
            && fields["payload[value]"] == "1"
            && fields["payload[stripe_customer_id]"].starts_with("cus_")
            && fields.len() == 5;
        (!right).then(|| format!("{fields:?}"))
    }
}
