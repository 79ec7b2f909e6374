//! API keys that get another secret, and what is said of when they are to.

use std::time::Duration;

use alerts::Kind;
use plans::Plan;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use workers::{Job, Parts};

use crate::harness::{NEVER, Org, TestApp, chat};

async fn answer(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn send(org: &Org<'_>, method: Method, path: &str, body: &Value) -> (u16, Value) {
    let request = org.request(method, path);
    let request = if body.is_null() { request } else { request.json(body) };
    answer(request.send().await.unwrap()).await
}

async fn done(org: &Org<'_>, method: Method, path: &str, body: &Value) -> Value {
    let (status, answer) = send(org, method, path, body).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The path and the secret of a new key of the organisation's workspace.
async fn new_key(org: &Org<'_>, more: &Value) -> (String, String) {
    let mut new = json!({"name": "ci", "scopes": ["completions.write", "logs.list"]});
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = done(org, Method::POST, "/v1/api-keys/workspace/service", &new).await;
    (format!("/v1/api-keys/{}", made["id"].as_str().unwrap()), made["key"].as_str().unwrap().to_owned())
}

async fn call(org: &Org<'_>, key: &str) -> u16 {
    let request = org.with_key(key).request(Method::POST, "/v1/chat/completions");
    let request = request.header("x-portkey-provider", "echo").json(&chat("hi"));
    request.send().await.unwrap().status().as_u16()
}

/// Rotates the key at this path, whose secrets then both work for so long; the answer.
async fn rotated(org: &Org<'_>, path: &str, body: &Value, minutes: i64) -> Value {
    let ends = || clock::iso(org.app.clock.now_ms() + minutes * 60_000);
    let soonest = ends();
    let answer = done(org, Method::POST, &format!("{path}/rotate"), body).await;
    let (until, latest) = (answer["key_transition_expires_at"].as_str().unwrap(), ends());
    assert!(soonest.as_str() <= until && until <= latest.as_str(), "{soonest} {until} {latest}");
    answer
}

fn refused((status, body): &(u16, Value), expected: u16, code: &str, says: &str) {
    assert_eq!((*status, &body["data"]["errorCode"]), (expected, &json!(code)), "{body}");
    assert!(body["data"]["message"].as_str().unwrap().contains(says), "{body}");
}

#[tokio::test]
async fn a_key_that_is_rotated_is_the_same_key_with_two_secrets_for_a_while() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let budget = json!({"usage_limits": {"type": "cost", "credit_limit": 5}});
    let (path, former) = new_key(&org, &budget).await;
    assert_eq!(call(&org, &former).await, 200);
    let before = done(&org, Method::GET, &path, &Value::Null).await;
    assert_eq!(before["key_transition_expires_at"], Value::Null);

    let rotate = format!("{path}/rotate");
    // Nothing has to be said, not even an empty object.
    let rotated_once = rotated(&org, &path, &Value::Null, 30).await;
    let until = rotated_once["key_transition_expires_at"].as_str().unwrap();
    assert_eq!(rotated_once["id"], before["id"]);
    let new = rotated_once["key"].as_str().unwrap();
    assert_ne!(new, former);
    assert_eq!((call(&org, &former).await, call(&org, new).await), (200, 200));

    let after = done(&org, Method::GET, &path, &Value::Null).await;
    for field in ["id", "name", "scopes", "usage_limits", "created_at", "status", "expires_at"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    assert_eq!(after["key_transition_expires_at"], until);
    assert_eq!(after["key"], tenancy::secret::hint(new));
    // Whichever secret it was made with, a call is the key's.
    let rows = org.rows(&format!("api_key_ids={}", before["id"].as_str().unwrap()), 3).await;
    assert_eq!(rows.len(), 3);

    refused(&send(&org, Method::POST, &rotate, &json!({})).await, 409, "AB07", until);
    app.clock.advance(Duration::from_mins(29));
    assert_eq!((call(&org, &former).await, call(&org, new).await), (200, 200));
    app.clock.advance(Duration::from_mins(1));
    assert_eq!((call(&org, &former).await, call(&org, new).await), (401, 200));
    let after = done(&org, Method::GET, &path, &Value::Null).await;
    assert_eq!(after["key_transition_expires_at"], Value::Null);

    // Again, for longer.
    let again = rotated(&org, &path, &json!({"key_transition_period_ms": 7_200_000}), 120).await;
    app.clock.advance(Duration::from_mins(119));
    assert_eq!((call(&org, new).await, call(&org, again["key"].as_str().unwrap()).await), (200, 200));
    assert_eq!(call(&org, &former).await, 401, "one that has ended stays so");
}

#[tokio::test]
async fn a_key_that_ends_takes_both_secrets_along() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let (path, former) = new_key(&org, &json!({"expires_at": "2026-11-15T12:10:00Z"})).await;
    let rotated = done(&org, Method::POST, &format!("{path}/rotate"), &json!({})).await;
    let new = rotated["key"].as_str().unwrap();
    assert_eq!((call(&org, &former).await, call(&org, new).await), (200, 200));
    app.clock.advance(Duration::from_mins(10));
    assert_eq!((call(&org, &former).await, call(&org, new).await), (401, 401));

    let (path, former) = new_key(&org, &json!({})).await;
    let rotated = done(&org, Method::POST, &format!("{path}/rotate"), &json!({})).await;
    let new = rotated["key"].as_str().unwrap();
    assert_eq!((call(&org, &former).await, call(&org, new).await), (200, 200));
    done(&org, Method::DELETE, &path, &Value::Null).await;
    assert_eq!((call(&org, &former).await, call(&org, new).await), (401, 401));
    refused(
        &send(&org, Method::POST, &format!("{path}/rotate"), &json!({})).await,
        404,
        "AB08",
        "no API key",
    );
}

#[tokio::test]
async fn a_former_secret_can_be_ended_at_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let (path, former) = new_key(&org, &json!({})).await;
    let rotate = format!("{path}/rotate");
    let rotated = done(&org, Method::POST, &rotate, &json!({})).await;
    let new = rotated["key"].as_str().unwrap();
    assert_eq!((call(&org, &former).await, call(&org, new).await), (200, 200));
    for _ in 0..2 {
        assert_eq!(done(&org, Method::DELETE, &rotate, &Value::Null).await, json!({}));
        assert_eq!((call(&org, &former).await, call(&org, new).await), (401, 200));
    }
    let noted = "SELECT count(*) FROM audit_entry WHERE action = 'api_key.update'";
    assert_eq!(app.count(noted).await, 1, "it was ended once");
    // And there may be another rotation.
    done(&org, Method::POST, &rotate, &json!({})).await;
    assert_eq!(call(&org, new).await, 200);
}

#[tokio::test]
async fn who_may_not_rotate_a_key_does_not() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Enterprise).await, app.org(Plan::Enterprise).await);
    let (path, secret) = new_key(&org, &json!({})).await;
    let rotate = format!("{path}/rotate");
    // It may do what rotating is not.
    let scopes = json!({"scopes": ["workspace_service_api_keys.update", "workspace_user_api_keys.rotate"]});
    let (_, without) = new_key(&org, &scopes).await;
    let (neighbour, _) = org.neighbour().await;
    for (key, status) in [(&without, 403), (&other.key, 404), (&other.admin_key, 404), (&neighbour, 404)] {
        for method in [Method::POST, Method::DELETE] {
            let request = org.with_key(key).request(method.clone(), &rotate);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), status, "{method}");
        }
    }
    assert_eq!(call(&org, &secret).await, 200);
    assert_eq!(app.count("SELECT count(*) FROM api_key WHERE former_hash IS NOT NULL").await, 0);
    let with_own = json!({"scopes": ["workspace_service_api_keys.rotate"]});
    let (_, with) = new_key(&org, &with_own).await;
    let response = org.with_key(&with).request(Method::POST, &rotate).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_policy_is_kept_shown_changed_and_taken_away() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let policy = json!({"rotation_policy": {"rotation_period": "weekly", "key_transition_period_ms": 3_600_000},
        "alert_emails": ["Ops@Example.com", "ops@example.com", "oncall@example.com"]});
    let (path, _) = new_key(&org, &policy).await;
    let shown = async || done(&org, Method::GET, &path, &Value::Null).await;
    let key = shown().await;
    // 15 November 2026 is a Sunday.
    let expected = json!({"rotation_period": "weekly", "key_transition_period_ms": 3_600_000,
        "next_rotation_at": "2026-11-16T00:00:00.000Z", "status": "ACTIVE"});
    assert_eq!(key["rotation_policy"], expected);
    assert_eq!(key["alert_emails"], json!(["ops@example.com", "oncall@example.com"]));
    let listed = done(&org, Method::GET, "/v1/api-keys", &Value::Null).await;
    assert_eq!(listed["data"][0]["rotation_policy"], expected);

    // What it says is what a rotation takes.
    let rotate = format!("{path}/rotate");
    rotated(&org, &path, &json!({}), 60).await;
    done(&org, Method::DELETE, &rotate, &Value::Null).await;
    for (ms, says) in [
        (json!(1_799_999), "key_transition_period_ms: found 1799999"),
        (json!(604_800_000), "shorter than the rotation period"),
        (json!("soon"), "key_transition_period_ms: found a string"),
    ] {
        let answer = send(&org, Method::POST, &rotate, &json!({"key_transition_period_ms": ms})).await;
        refused(&answer, 400, "AB01", says);
    }

    let monthly = json!({"rotation_policy":
        {"rotation_period": "monthly", "next_rotation_at": "2026-12-24T18:00:00+01:00"}, "alert_emails": null});
    done(&org, Method::PUT, &path, &monthly).await;
    let key = shown().await;
    let expected = json!({"rotation_period": "monthly", "key_transition_period_ms": 1_800_000,
        "next_rotation_at": "2026-12-24T00:00:00.000Z", "status": "ACTIVE"});
    assert_eq!((&key["rotation_policy"], &key["alert_emails"]), (&expected, &json!([])));
    done(&org, Method::PUT, &path, &json!({"name": "as it was"})).await;
    assert_eq!(shown().await["rotation_policy"], expected);
    done(&org, Method::PUT, &path, &json!({"rotation_policy": null})).await;
    assert_eq!(shown().await["rotation_policy"], Value::Null);

    for (wrong, says) in [
        (json!({"rotation_policy": {}}), "rotation_policy.rotation_period: missing"),
        (json!({"rotation_policy": "weekly"}), "rotation_policy: found a string"),
        (
            json!({"rotation_policy": {"rotation_period": "daily"}}),
            "rotation_policy.rotation_period: found `daily`",
        ),
        (
            json!({"rotation_policy": {"rotation_period": "weekly", "key_transition_period_ms": 604_800_000}}),
            "rotation_policy.key_transition_period_ms: found 604800000",
        ),
        (
            json!({"rotation_policy": {"rotation_period": "weekly", "next_rotation_at": "2026-11-15T23:00:00Z"}}),
            "rotation_policy.next_rotation_at: the day of `2026-11-15T23:00:00Z` has begun",
        ),
        (
            json!({"rotation_policy": {"rotation_period": "weekly", "x": 1}}),
            "rotation_policy.x: no such field",
        ),
        (json!({"alert_emails": "a@example.com"}), "alert_emails: found a string"),
        (json!({"alert_emails": ["a@example.com", "nobody"]}), "alert_emails[1]: no @ is in it"),
        (json!({"alert_emails": ["a@example.com\r\nBcc: b@example.com"]}), "alert_emails[0]: "),
        (json!({"alert_emails": vec!["a@example.com"; 21]}), "alert_emails: 21 addresses"),
    ] {
        refused(&send(&org, Method::PUT, &path, &wrong).await, 400, "AB01", says);
        let mut new = json!({"name": "x", "scopes": ["logs.list"]});
        new.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        refused(&send(&org, Method::POST, "/v1/api-keys/workspace/service", &new).await, 400, "AB01", says);
    }
}

#[tokio::test]
async fn a_rotation_that_is_due_is_told_once_and_the_secret_works_on() {
    let app = TestApp::with(|settings| {
        NEVER.clone_into(&mut settings.jobs.key_rotation_cron);
    })
    .await;
    let org = app.org(Plan::Enterprise).await;
    let weekly = json!({"rotation_policy": {"rotation_period": "weekly"}});
    let (path, secret) = new_key(&org, &weekly).await;
    let (gone, _) = new_key(&org, &weekly).await;
    done(&org, Method::DELETE, &gone, &Value::Null).await;
    let run =
        async || workers::run_now(Job::KeyRotation, &Parts::over(&app.running)).await.unwrap().count("key");
    let told = async || {
        let response = org.admin().request(Method::GET, "/v1/billing/alerts").send().await.unwrap();
        answer(response).await.1["data"].as_array().unwrap().clone()
    };
    app.clock.advance(Duration::from_hours(12) - Duration::from_mins(1));
    assert_eq!((run().await, told().await.len()), (Some(0), 0));
    app.clock.advance(Duration::from_mins(1));
    assert_eq!(run().await, Some(1));
    assert_eq!(run().await, Some(0));
    let alerts = told().await;
    let [alert] = alerts.as_slice() else { panic!("{alerts:?}") };
    let id = path.rsplit('/').next().unwrap();
    assert_eq!(alert["kind"], Kind::Rotation.as_str());
    assert_eq!(alert["subject"], format!("key:{id}"));
    assert_eq!(alert["period"], "2026-11-16T00:00:00.000Z");
    assert_eq!(
        alert["data"],
        json!({"name": "ci", "due_at": "2026-11-16T00:00:00.000Z", "next_rotation_at": "2026-11-23T00:00:00.000Z"})
    );
    assert_eq!(call(&org, &secret).await, 200, "nobody was handed another one");
    let key = done(&org, Method::GET, &path, &Value::Null).await;
    assert_eq!(key["rotation_policy"]["next_rotation_at"], "2026-11-23T00:00:00.000Z");
    // Turns that were missed are told of as one.
    app.clock.advance(Duration::from_hours(24 * 15));
    assert_eq!((run().await, run().await, told().await.len()), (Some(1), Some(0), 2));
}
