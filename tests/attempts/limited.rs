//! Limits of several virtual keys that one call may use.

use std::sync::atomic::Ordering;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{error, fallback, start, told, under};
use crate::harness::{Org, Upstream, answer, log_id, until};

async fn virtual_key(org: &Org<'_>, upstream: &Upstream, limits: Value) -> String {
    let mut body = json!({"name": "v", "provider": "openai", "key": "sk-1", "custom_host": upstream.url()});
    body.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let made = org.request(Method::POST, "/v1/virtual-keys").json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    made["data"]["slug"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

#[tokio::test]
async fn a_virtual_key_at_its_limit_is_passed_over_for_the_next() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    let one_a_day = json!({"rate_limits": [{"type": "requests", "unit": "rpd", "value": 1}]});
    let keys =
        [virtual_key(&org, &first, one_a_day.clone()).await, virtual_key(&org, &second, one_a_day).await];
    let config = fallback(json!([{"virtual_key": keys[0]}, {"virtual_key": keys[1]}]));
    let asked = [first.answer_all(answer("first")), second.answer_all(answer("second"))];
    for (status, option) in
        [(200, "config.targets[0]"), (200, "config.targets[1]"), (429, "config.targets[1]")]
    {
        let response = under(&org, &config).send().await.unwrap();
        assert_eq!((response.status().as_u16(), told(&response)[0].as_str()), (status, option));
        assert_eq!(told(&response)[3], "", "another target may be asked");
        let log = org.log(&log_id(&response)).await;
        for attempt in log["attempts"].as_array().unwrap().iter().rev().skip(usize::from(status == 200)) {
            assert_eq!(attempt["response_status_code"], Value::Null);
            let reason = attempt["error"].as_str().unwrap();
            assert_eq!(reason, "the rate limit of this virtual key is reached: 1 requests a day");
        }
    }
    assert_eq!(asked.map(|asked| asked.load(Ordering::SeqCst)), [1, 1]);
}

#[tokio::test]
async fn what_a_call_reserved_of_a_key_that_it_did_not_use_in_the_end_is_free_again() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (mut first, second) = (Upstream::start().await, Upstream::start().await);
    // Room for one such call, as long as nothing is used.
    let limits = json!({"usage_limits": {"type": "tokens", "credit_limit": 150}});
    let limited = virtual_key(&org, &first, limits).await;
    let other = virtual_key(&org, &second, json!({})).await;
    let retry = json!({"attempts": 1});
    let config = fallback(json!([{"virtual_key": limited, "retry": retry}, {"virtual_key": other}]));
    second.answer_all(answer("second"));
    for _ in 0..3 {
        let mut body = crate::harness::chat("hi");
        body["max_tokens"] = json!(10);
        let calling = tokio::spawn(under(&org, &config).json(&body).send());
        for _ in 0..2 {
            first.asked().await.json(503, &error("not now")).await;
        }
        let response = calling.await.unwrap().unwrap();
        assert_eq!((response.status().as_u16(), told(&response)[0].as_str()), (200, "config.targets[1]"));
    }
}

#[tokio::test]
async fn a_call_that_asks_its_key_for_several_targets_is_one_request() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let two_a_day = json!({"rate_limits": [{"type": "requests", "unit": "rpd", "value": 2}]});
    let slug = virtual_key(&org, &upstream, two_a_day).await;
    let one = |model: &str| json!({"virtual_key": slug, "override_params": {"model": model}});
    let config = fallback(json!([one("a"), one("b"), one("c")]));
    upstream.answer_each(|exchange| async move {
        let status = if exchange.json_body()["model"] == "c" { 200 } else { 500 };
        exchange.json(status, &answer("hello")).await;
    });
    for status in [200, 200, 429] {
        let response = under(&org, &config).send().await.unwrap();
        assert_eq!(response.status(), status);
        let log = org.log(&log_id(&response)).await;
        assert_eq!(log["attempts"].as_array().unwrap().len(), 3, "{log}");
    }
    let models = || async {
        let shown = org.rows("", 3).await;
        shown.iter().all(|row| row["virtual_key"] == slug.as_str()).then_some(())
    };
    until("all are of the key", models).await;
}
