//! A key that is rotated at one server, used at all of them meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Pair, at, refused, status_with};
use crate::harness::{Org, chat, until};

/// The overlap of two secrets but for its last minute.
const NEARLY: Duration = Duration::from_mins(29);

async fn answer(org: &Org<'_>, method: Method, path: &str, body: &Value) -> Value {
    let response = org.request(method, path).json(body).send().await.unwrap();
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

/// The id and the secret of a key that makes calls and reads logs.
async fn new_key(org: &Org<'_>) -> (String, String) {
    let new = json!({"name": "rotated", "scopes": ["completions.write", "logs.list"]});
    let made = answer(org, Method::POST, "/v1/api-keys/workspace/service", &new).await;
    (made["id"].as_str().unwrap().to_owned(), made["key"].as_str().unwrap().to_owned())
}

async fn rotate(org: &Org<'_>, id: &str) -> String {
    let path = format!("/v1/api-keys/{id}/rotate");
    let rotated = answer(org, Method::POST, &path, &json!({})).await;
    rotated["key"].as_str().unwrap().to_owned()
}

async fn call(org: &Org<'_>, key: &str) -> u16 {
    let request = org.with_key(key).request(Method::POST, "/v1/chat/completions");
    let request = request.header("x-portkey-provider", "echo").json(&chat("hi"));
    request.send().await.unwrap().status().as_u16()
}

/// Callers who go on until they are stopped, none of whom is ever refused.
#[derive(Default)]
struct Callers {
    stopped: AtomicBool,
    served: AtomicUsize,
}

impl Callers {
    async fn call(&self, org: &Org<'_>, key: &str) {
        while !self.stopped.load(Ordering::SeqCst) {
            assert_eq!(call(org, key).await, 200);
            self.served.fetch_add(1, Ordering::SeqCst);
        }
    }

    async fn serve(&self, more: usize) {
        let enough = self.served.load(Ordering::SeqCst) + more;
        until("calls go on", || async { (self.served.load(Ordering::SeqCst) >= enough).then_some(()) }).await;
    }
}

#[tokio::test]
async fn no_call_with_either_secret_fails_anywhere_until_the_former_one_is_refused_everywhere() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Enterprise).await;
    let there = at(&pair.second, &here);
    let (id, former) = new_key(&here).await;
    let callers = Callers::default();
    let changing = async {
        callers.serve(40).await;
        let new = rotate(&here, &id).await;
        let with_new = async {
            tokio::join!(callers.call(&here, &new), callers.call(&there, &new));
        };
        let passing = async {
            callers.serve(80).await;
            // To the last minute of the overlap.
            for app in [&pair.first, &pair.second] {
                app.clock.advance(NEARLY);
            }
            callers.serve(80).await;
            callers.stopped.store(true, Ordering::SeqCst);
        };
        tokio::join!(with_new, passing);
        new
    };
    let with_former = async { tokio::join!(callers.call(&here, &former), callers.call(&there, &former)) };
    let (_, new) = tokio::join!(with_former, changing);

    for app in [&pair.first, &pair.second] {
        // Their clocks are not quite the same.
        app.clock.advance(Duration::from_mins(2));
    }
    for org in [&here, &there] {
        assert_eq!((call(org, &former).await, call(org, &new).await), (401, 200));
        assert_eq!((status_with(org, &former).await, status_with(org, &new).await), (401, 200));
    }
    // It can be rotated again, where it was not before too.
    let newest = rotate(&there, &id).await;
    for key in [&new, &newest] {
        assert_eq!((call(&here, key).await, call(&there, key).await), (200, 200));
    }
}

#[tokio::test]
async fn a_former_secret_that_is_ended_and_both_of_a_key_that_is_deleted_are_refused_everywhere() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Enterprise).await;
    let there = at(&pair.second, &here);
    let known = async |key: &str| {
        for org in [&here, &there] {
            assert_eq!(status_with(org, key).await, 200);
        }
    };
    let (id, former) = new_key(&here).await;
    known(&former).await;
    let new = rotate(&here, &id).await;
    for key in [&former, &new] {
        known(key).await;
    }
    let path = format!("/v1/api-keys/{id}/rotate");
    assert_eq!(there.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    assert_eq!(status_with(&there, &former).await, 401);
    refused(&here, &former).await;
    known(&new).await;

    let newest = rotate(&here, &id).await;
    known(&newest).await;
    known(&new).await;
    let path = format!("/v1/api-keys/{id}");
    assert_eq!(there.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    for key in [&new, &newest] {
        assert_eq!(status_with(&there, key).await, 401);
        refused(&here, key).await;
    }
}
