//! Several workers, and one that dies with a webhook on its way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use alerts::{Alert, Kind};
use clock::{Clock, Ids};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Asked, WEBHOOKS, done, text};
use crate::harness::{Binary, MASTER_KEY, Process, Upstream, until};

/// Alerts that two workers have between them.
const MANY: i32 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_workers_send_each_alert_once_and_what_one_had_on_its_way_when_it_died_is_sent_by_the_other() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let url = Process::database_url(dir.path());
    let env = [
        ("TURNPIKE_DATABASE_URL", url.as_str()),
        ("TURNPIKE_MASTER_KEY", MASTER_KEY),
        ("TURNPIKE_JOBS__ALERT_DELIVERIES_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__LEASE_MS", "2000"),
    ];
    let args = ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "o@example.com"];
    let made = Process::cli(dir.path(), &args);
    let api = Process::start(Binary::Api, dir.path(), &env, &[]);
    let call = async |method: Method, path: &str, body: Value| -> Value {
        let request = reqwest::Client::new().request(method, format!("http://{}{path}", api.addr));
        let request = request.header("x-portkey-api-key", text(&made["admin_api_key"])).json(&body);
        done(request.send().await.unwrap()).await
    };
    let mut receiver = Upstream::start().await;
    let hook = json!({"url": format!("http://{}/hook", receiver.addr)});
    let id = text(&call(Method::POST, WEBHOOKS, hook).await["id"]);
    call(Method::POST, &format!("{WEBHOOKS}/{id}/test"), json!({})).await;

    let worker = || Process::start(Binary::Workers, dir.path(), &env, &[]);
    let doomed = worker();
    let first = receiver.asked().await;
    let (one, other) = (worker(), worker());
    doomed.kill();
    let asked = Asked::of(&first);
    first.bodiless(204, &[]).await;
    let second = receiver.asked().await;
    assert_eq!((Asked::of(&second).id, &second.json_body()), (asked.id, &asked.body), "the same once more");
    second.bodiless(204, &[]).await;
    let path = format!("{WEBHOOKS}/{id}/deliveries");
    let delivered = async |n: i32| {
        let log = call(Method::GET, &format!("{path}?page_size=1000"), json!({})).await;
        let delivered =
            log["data"].as_array().unwrap().iter().filter(|it| it["state"] == "delivered").count();
        (i32::try_from(delivered).unwrap() == n).then_some(log)
    };
    until("the other has sent it", || delivered(1)).await;

    let came: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let seen = Arc::clone(&came);
    receiver.answer_each(move |exchange| {
        *seen.lock().unwrap().entry(Asked::of(&exchange).id).or_default() += 1;
        exchange.bodiless(204, &[])
    });
    let db = Process::database(dir.path()).await;
    let ids = Ids::new(Clock::system());
    for threshold in 0..MANY {
        let alert = Alert {
            organisation_id: made["organisation_id"].as_str().unwrap().parse().unwrap(),
            kind: Kind::Block,
            subject: String::new(),
            period: "2026-11".to_owned(),
            threshold,
            data: json!({}),
        };
        assert!(alerts::raise(&db, &ids, Clock::system().now_ms(), alert).await.unwrap());
    }
    let log = until("all are delivered", || delivered(MANY + 1)).await;
    assert!(log["data"].as_array().unwrap().iter().all(|it| it["attempts"] == 1), "{log}");
    let came = came.lock().unwrap().clone();
    assert_eq!((came.len(), came.values().sum::<u32>()), (MANY as usize, MANY.unsigned_abs()), "{came:?}");
    drop((one, other));
}
