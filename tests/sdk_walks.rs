//! The real SDKs walk the router: what each returns or raises on every way through it, and what the log says of the way.
//!
//! A walk is a list of calls that one process makes. What happens to each on the wire is in the tests of each capability.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plans::Plan;
use serde_json::{Value, json};

use crate::harness::{
    DONE, Exchange, Org, SDKS, Sdk, TestApp, Upstream, answer, delta, until, usage_chunk, with,
};

mod cache;
mod guardrails;
mod routes;

/// A provider whose targets say in their address how it answers, status by status; the last stays.
struct Provider {
    addr: SocketAddr,
}

impl Provider {
    async fn start() -> Self {
        let upstream = Upstream::start().await;
        let addr = upstream.addr;
        let counts = Arc::<Mutex<BTreeMap<String, usize>>>::default();
        upstream.answer_each(move |exchange| {
            let path = exchange.head.split(' ').nth(1).unwrap().to_owned();
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(path.clone()).or_default();
            *count += 1;
            answer_as(exchange, path, *count)
        });
        Self { addr }
    }

    /// The target of an organisation that answers `from {name}`, and the how many-th answer it is.
    fn target(&self, org: &Org<'_>, name: &str, statuses: &str, more: Value) -> Value {
        let host = format!("http://{}/{}/{name}/{statuses}/v1", self.addr, org.id);
        with(json!({"provider": "openai", "api_key": "sk-1", "custom_host": host}), more)
    }
}

async fn answer_as(mut exchange: Exchange, path: String, count: usize) {
    let [_, _, name, statuses, ..] = path.split('/').collect::<Vec<_>>()[..] else { panic!("{path}") };
    let text = format!("from {name} {count}");
    let told: Vec<&str> = statuses.split(',').collect();
    match *told.get(count - 1).or(told.last()).unwrap() {
        "silent" => exchange.given_up().await,
        "200" if exchange.json_body()["stream"] == true => {
            exchange.event_stream().await;
            for piece in [delta(&text), usage_chunk(), DONE.to_owned()] {
                exchange.send(piece).await;
            }
            exchange.end().await;
        }
        "200" => exchange.json(200, &answer(&text)).await,
        status => exchange.json(status.parse().unwrap(), &json!({"error": {"message": text}})).await,
    }
}

/// Target, retry and status of each attempt.
type Attempts = &'static [(&'static str, u64, Option<u16>)];

const ASKED: Attempts = &[("config", 0, Some(200))];

/// The target was taken, and its provider not asked.
const UNASKED: Attempts = &[("config", 0, None)];

/// A call of a walk, and what must come of it.
struct Step {
    /// Its trace's id, too.
    name: &'static str,
    call: Value,
    status: u16,
    /// What the text of the answer is, or the error's has in it.
    says: String,
    attempts: Attempts,
    /// What the log calls it, where it is not the usual: cache, retry, fallback, load balance.
    labels: &'static [(&'static str, &'static str)],
}

impl Step {
    fn of(name: &'static str, config: impl Into<Value>, status: u16, says: impl Into<String>) -> Self {
        let call = json!({"content": "hi", "trace_id": name, "config": config.into()});
        Self { name, call, status, says: says.into(), attempts: &[], labels: &[] }
    }

    /// The call has this besides.
    fn call(mut self, more: Value) -> Self {
        self.call = with(self.call, more);
        self
    }

    fn attempts(mut self, attempts: Attempts) -> Self {
        self.attempts = attempts;
        self
    }

    fn labels(mut self, labels: &'static [(&'static str, &'static str)]) -> Self {
        self.labels = labels;
        self
    }

    fn is_refused(&self) -> bool {
        self.status >= 300
    }
}

/// What came of a call: what the SDK made of it, and its log.
struct Outcome {
    sdk: Sdk,
    answer: Value,
    log: Value,
}

/// All SDKs take the same walk, each as an organisation of its own, and it is seen to each step.
async fn walk(steps: impl Fn(&Provider, &Org<'_>) -> Vec<Step>, more: impl AsyncFn(&Org<'_>, &[Outcome])) {
    let app = TestApp::with(|settings| settings.gateway.retry_base = Duration::from_millis(1)).await;
    let provider = Provider::start().await;
    let as_one = async |sdk: Sdk| {
        let org = app.org(Plan::Developer).await;
        let steps = steps(&provider, &org);
        let calls = steps.iter().map(|step| step.call.clone()).collect();
        let answers = sdk.run(&org, "openai", &["walk"], &calls).await;
        // As many logs as calls: no SDK asks again by itself what the gateway has answered.
        let rows = org.rows("", steps.len()).await;
        let mut outcomes = Vec::new();
        for (step, answer) in steps.iter().zip(answers.as_array().unwrap()) {
            let row = rows.iter().find(|row| row["trace_id"] == step.name).unwrap();
            let log = org.log(row["id"].as_str().unwrap()).await;
            let outcome = Outcome { sdk, answer: answer.clone(), log };
            outcome.is_as(step);
            outcomes.push(outcome);
        }
        more(&org, &outcomes).await;
    };
    let [a, b, c, d] = SDKS.map(|sdk| Box::pin(as_one(sdk)));
    tokio::join!(a, b, c, d);
}

impl Outcome {
    fn is_as(&self, step: &Step) {
        let Self { sdk, answer, log } = self;
        let what = format!("{} of {sdk:?}: {answer}\n{log}", step.name);
        if step.is_refused() {
            let raised = &answer["raised"];
            assert_eq!(raised["status"], step.status, "{what}");
            assert_eq!(raised["class"], class(*sdk, step.status), "{what}");
            assert!(raised["body"].to_string().contains(&step.says), "{what}");
        } else {
            assert_eq!(self.text(), step.says, "{what}");
        }
        assert_eq!(log["response"]["status"], step.status, "{what}");
        let mut labels = json!({
            "cache": "Cache Disabled", "retry": "Retry Not Triggered",
            "fallback": "Fallback Disabled", "loadbalance": "Loadbalancer Disabled",
        });
        for (option, label) in step.labels {
            labels[option] = json!(label);
        }
        assert_eq!(log["status"], labels, "{what}");
        let attempts: Vec<_> = log["attempts"].as_array().unwrap().iter().map(attempt).collect();
        let expected = step.attempts.iter().map(|(target, retry, status)| json!([target, retry, status]));
        assert_eq!(attempts, expected.collect::<Vec<_>>(), "{what}");
    }

    fn text(&self) -> &str {
        let returned = &self.answer["returned"];
        let text = returned.get("text").unwrap_or(&returned["choices"][0]["message"]["content"]);
        text.as_str().unwrap_or_else(|| panic!("{:?} returned {}", self.sdk, self.answer))
    }
}

fn attempt(attempt: &Value) -> Value {
    json!([attempt["target"], attempt["retry"], attempt["response_status_code"]])
}

/// What the SDK raises for a status: it has a class for some.
fn class(sdk: Sdk, status: u16) -> &'static str {
    match status {
        400 => "BadRequestError",
        429 => "RateLimitError",
        500.. => "InternalServerError",
        _ if sdk.is_node() => "APIError",
        _ => "APIStatusError",
    }
}
