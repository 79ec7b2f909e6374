//! People sign in with a password, and read with the access token that they get for it.

mod reset;
mod sessions;

use std::time::Duration;

use entity::membership;
use plans::Plan;
use reqwest::{Method, Response};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{LINES, Org, Process, TestApp, chat, log_id, until};
use crate::routes::{GATEWAY, method};

async fn post(app: &TestApp, path: &str, body: &Value) -> Response {
    app.http.post(app.url(path)).json(body).send().await.unwrap()
}

/// Status and body.
async fn answer(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn reads(org: &Org<'_>, tokens: &Value) -> u16 {
    let caller = org.with_access_token(text(&tokens["access_token"]));
    caller.request(Method::GET, "/v1/logs").send().await.unwrap().status().as_u16()
}

async fn refresh(app: &TestApp, tokens: &Value) -> (u16, Value) {
    let body = json!({"refresh_token": tokens["refresh_token"]});
    answer(post(app, "/v1/auth/refresh", &body).await).await
}

fn assert_refused((status, body): &(u16, Value), expected: u16, code: &str, says: &str) {
    assert_eq!((*status, &body["data"]["errorCode"]), (expected, &json!(code)), "{body}");
    assert!(text(&body["data"]["message"]).contains(says), "{body}");
}

#[tokio::test]
async fn an_owner_signs_in_reads_what_was_logged_refreshes_and_signs_out() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let call = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    let id = log_id(&call);
    org.log(&id).await;

    let body = json!({"email": org.email.to_uppercase(), "password": org.password});
    let response = post(&app, "/v1/auth/login", &body).await;
    assert_eq!(response.headers()["cache-control"], "no-store");
    let (status, tokens) = answer(response).await;
    assert_eq!((status, &tokens["token_type"], &tokens["role"]), (200, &json!("Bearer"), &json!("owner")));
    assert_eq!((&tokens["expires_in"], &tokens["refresh_expires_in"]), (&json!(900), &json!(30 * 86_400)));
    assert_eq!((&tokens["user"]["email"], &tokens["organisation_id"]), (&json!(org.email), &json!(org.id)));
    assert!(tokens["user"]["id"].is_string() && tokens["user"]["name"].is_string());

    let owner = org.with_access_token(text(&tokens["access_token"]));
    for (path, found) in
        [("/v1/logs", &id), (&*format!("/v1/logs/{id}"), &id), ("/v1/usage", &"\"used\":1".to_owned())]
    {
        let response = owner.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.text().await.unwrap().contains(found), "{path}");
    }
    // An owner manages keys; a key makes the calls.
    let key = json!({"name": "k", "scopes": ["logs.list"], "workspace_id": org.workspace});
    let made = owner.request(Method::POST, "/v1/api-keys/workspace/service").json(&key).send().await.unwrap();
    assert_eq!(made.status(), 200);

    let (status, next) = refresh(&app, &tokens).await;
    assert_eq!((status, &next["user"], &next["role"]), (200, &tokens["user"], &tokens["role"]));
    assert_eq!(reads(&org, &next).await, 200);
    for _ in 0..2 {
        let body = json!({"refresh_token": next["refresh_token"]});
        assert_eq!(answer(post(&app, "/v1/auth/logout", &body).await).await, (200, json!({})));
        assert_eq!((reads(&org, &next).await, reads(&org, &tokens).await), (401, 401), "at once");
    }
    assert_refused(&refresh(&app, &next).await, 401, "AB05", "does not work");
}

#[tokio::test]
async fn an_access_token_ends_after_fifteen_minutes_and_a_refresh_token_works_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let tokens = org.sign_in().await;
    app.clock.advance(Duration::from_mins(15));
    let expired = org.with_access_token(text(&tokens["access_token"])).request(Method::GET, "/v1/usage");
    assert_refused(&answer(expired.send().await.unwrap()).await, 401, "AB05", "has expired");

    let (_, next) = refresh(&app, &tokens).await;
    assert_eq!(reads(&org, &next).await, 200);
    assert_refused(&refresh(&app, &tokens).await, 401, "AB05", "does not work");
    assert_refused(&refresh(&app, &next).await, 401, "AB05", "does not work");
    assert_eq!(reads(&org, &next).await, 401, "the session is revoked");
}

#[tokio::test]
async fn of_many_refreshes_at_once_with_one_token_one_is_answered_with_tokens() {
    let app = TestApp::start().await;
    let tokens = app.org(Plan::Developer).await.sign_in().await;
    let body = json!({"refresh_token": tokens["refresh_token"]});
    let tasks: Vec<_> = (0..16)
        .map(|_| tokio::spawn(app.http.post(app.url("/v1/auth/refresh")).json(&body).send()))
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap().unwrap().status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[200].as_slice(), &[401; 15]].concat());
}

#[tokio::test]
async fn a_wrong_sign_in_is_answered_in_one_way_and_waits_grow() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let login = async |body: Value| answer(post(&app, "/v1/auth/login", &body).await).await;
    let wrong = [
        json!({"email": org.email, "password": "wrong"}),
        json!({"email": "nobody@example.com", "password": org.password}),
        json!({"email": org.email, "password": org.password, "organisation_id": other.id}),
        json!({"email": org.email, "password": org.password, "organisation_id": app.running.ids.fresh()}),
    ];
    let first = login(wrong[0].clone()).await;
    assert_refused(&first, 401, "AB05", "go together");
    for body in wrong {
        assert_eq!(login(body).await, first);
    }
    assert_eq!(app.count("SELECT count(*) FROM session").await, 0);

    for email in [&other.email, "nobody-else@example.com"] {
        for wait_s in [0, 0, 0, 0, 0, 1, 2, 4] {
            app.clock.advance(Duration::from_secs(wait_s));
            assert_eq!(login(json!({"email": email, "password": "wrong"})).await.0, 401, "{email}");
        }
        let body = json!({"email": email, "password": other.password});
        let response = post(&app, "/v1/auth/login", &body).await;
        let wait_s: u64 = response.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=8).contains(&wait_s), "{email}: {wait_s}");
        assert_refused(&answer(response).await, 429, "AB06", "try again in");
        app.clock.advance(Duration::from_secs(wait_s));
    }
    other.sign_in().await;
}

#[tokio::test]
async fn a_person_of_two_organisations_names_one_and_reaches_no_other() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let people = membership::Entity::find().all(&app.running.db).await.unwrap();
    let user_id = people.iter().find(|row| row.organisation_id == org.id).unwrap().user_id;
    let (_, next_door) = other.neighbour().await;
    let workspace_id = other.workspace_id(&other.workspace).await;
    other.join(user_id, "member", &[(workspace_id, "member")]).await;
    let id = log_id(&other.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap());
    other.log(&id).await;

    let mut body = json!({"email": org.email, "password": org.password});
    let which = answer(post(&app, "/v1/auth/login", &body).await).await;
    assert_refused(&which, 400, "AB01", "organisation_id: missing");
    assert_refused(&which, 400, "AB01", &other.id.to_string());
    body["organisation_id"] = json!(other.id);
    let (status, tokens) = answer(post(&app, "/v1/auth/login", &body).await).await;
    assert_eq!((status, &tokens["role"]), (200, &json!("member")), "{tokens}");

    let member = other.with_access_token(text(&tokens["access_token"]));
    for path in ["/v1/logs", &format!("/v1/logs/{id}"), "/v1/usage"] {
        let response = member.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let path = format!("/v1/logs?workspace_slug={next_door}");
    let response = member.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 404, "of the next workspace they are no member");
}

#[tokio::test]
async fn the_one_time_password_is_changed_and_other_sessions_end() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (here, there) = (org.sign_in().await, org.sign_in().await);
    assert_eq!((reads(&org, &here).await, reads(&org, &there).await), (200, 200));
    let owner = org.with_access_token(text(&here["access_token"]));
    let change = async |body: Value| {
        let request = owner.request(Method::POST, "/v1/auth/password").json(&body);
        answer(request.send().await.unwrap()).await
    };
    let new = "correct horse battery staple";
    for (body, says) in [
        (json!({"new_password": new}), "current_password: missing"),
        (json!({"current_password": org.password}), "new_password: missing"),
        (
            json!({"current_password": org.password, "new_password": "x".repeat(11)}),
            "new_password: too short",
        ),
        (
            json!({"current_password": org.password, "new_password": "x".repeat(257)}),
            "new_password: too long",
        ),
        (json!({"current_password": org.password, "new_password": org.password}), "new_password: the same"),
        (
            json!({"current_password": org.password, "new_password": "1234567890Qwertyuiop"}),
            "new_password: one of those",
        ),
        (json!({"current_password": "wrong", "new_password": new}), "current_password: not your password"),
        (json!({"current_password": "wrong", "new_password": new, "x": 1}), "x: no such field"),
    ] {
        assert_refused(&change(body).await, 400, "AB01", says);
    }
    let body = json!({"current_password": org.password, "new_password": new});
    assert_eq!(change(body).await, (200, json!({})));
    assert_eq!((reads(&org, &here).await, reads(&org, &there).await), (200, 401));
    assert_eq!((refresh(&app, &there).await.0, refresh(&app, &here).await.0), (401, 200));
    let login = async |password: &str| {
        let body = json!({"email": org.email, "password": password});
        post(&app, "/v1/auth/login", &body).await.status().as_u16()
    };
    assert_eq!((login(&org.password).await, login(new).await), (401, 200));
}

#[tokio::test]
async fn the_gateway_takes_no_access_token() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let token = org.sign_in().await["access_token"].as_str().unwrap().to_owned();
    for (verb, path) in GATEWAY {
        for header in ["x-portkey-api-key", "authorization"] {
            let value = if header == "authorization" { format!("Bearer {token}") } else { token.clone() };
            let request = app.http.request(method(verb), app.url(path)).header(header, value);
            let request = request.header("x-portkey-provider", "echo").json(&chat("hi"));
            assert_eq!(request.send().await.unwrap().status(), 401, "{verb} {path} {header}");
        }
    }
    // Nor is it an API key to the control plane.
    let request = app.http.get(app.url("/v1/logs")).header("x-portkey-api-key", token);
    assert_eq!(request.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_public_keys_are_there_for_everybody() {
    let app = TestApp::start().await;
    let get = async || answer(app.http.get(app.url("/v1/auth/jwks")).send().await.unwrap()).await;
    assert_eq!(get().await, (200, json!({"keys": []})));
    app.org(Plan::Developer).await.sign_in().await;
    let (_, set) = get().await;
    let keys = set["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 1);
    let key = keys[0].as_object().unwrap();
    let names: Vec<&str> = key.keys().map(String::as_str).collect();
    assert_eq!(names, ["kty", "crv", "use", "alg", "kid", "x"], "and nothing private");
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    assert_eq!(text(&key["x"]).len(), 43);
}

#[tokio::test]
async fn no_password_or_token_is_in_our_own_lines_or_in_a_file() {
    let dir = TempDir::new().unwrap();
    let args =
        ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "owner@example.com"];
    let made = Process::cli(dir.path(), &args);
    let server = Process::serve(dir.path(), &[("RUST_LOG", "trace")]);
    let http = reqwest::Client::new();
    let url = |path: &str| format!("http://{}{path}", server.addr);
    let post =
        async |path: &str, body: Value| answer(http.post(url(path)).json(&body).send().await.unwrap()).await;
    let mut secrets = vec![text(&made["password"]).to_owned(), "a-password-that-is-wrong".to_owned()];
    let sign_in = |password: &str| json!({"email": "owner@example.com", "password": password});
    assert_eq!(post("/v1/auth/login", sign_in(&secrets[1])).await.0, 401);
    let (_, first) = post("/v1/auth/login", sign_in(&secrets[0])).await;
    let (_, second) = post("/v1/auth/refresh", json!({"refresh_token": first["refresh_token"]})).await;
    let new = "a-password-that-is-new";
    secrets.push(new.to_owned());
    let change = json!({"current_password": secrets[0], "new_password": new});
    let request =
        http.post(url("/v1/auth/password")).bearer_auth(text(&second["access_token"])).json(&change);
    assert_eq!(request.send().await.unwrap().status(), 200);
    assert_eq!(post("/v1/auth/refresh", json!({"refresh_token": first["refresh_token"]})).await.0, 401);
    for tokens in [&first, &second] {
        secrets.extend(["access_token", "refresh_token"].map(|name| text(&tokens[name]).to_owned()));
        // The part of a refresh token that works, and the signature of an access token, say enough by themselves.
        secrets.push(text(&tokens["refresh_token"])[52..].to_owned());
        secrets.push(text(&tokens["access_token"]).rsplit('.').next().unwrap().to_owned());
    }
    let said = server.said();
    assert!(server.terminate().success());

    let lines = std::fs::read_to_string(dir.path().join(LINES)).unwrap();
    assert!(
        lines.contains("TRACE") && lines.contains("a refresh token was used twice"),
        "it told too little"
    );
    let mut places =
        vec![("its own lines".to_owned(), lines.into_bytes()), ("output".to_owned(), said.into())];
    for entry in std::fs::read_dir(dir.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            places.push((path.display().to_string(), std::fs::read(path).unwrap()));
        }
    }
    let in_file = |(place, bytes): &(String, Vec<u8>)| place.contains("turnpike.db") && !bytes.is_empty();
    assert!(scratch::on_postgres() || places.iter().any(in_file));
    for (place, bytes) in places {
        let found = String::from_utf8_lossy(&bytes);
        for secret in &secrets {
            assert!(!found.contains(secret.as_str()), "{secret} is in {place}");
        }
    }
}

#[tokio::test]
async fn sessions_and_keys_that_are_long_over_are_deleted() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    org.sign_in().await;
    app.clock.advance(Duration::from_hours(24 * 119));
    org.sign_in().await;
    assert_eq!(app.count("SELECT count(*) FROM session").await, 2);
    app.clock.advance(Duration::from_hours(24 * 2));
    until("the session of 121 days ago is deleted", || async {
        (app.count("SELECT count(*) FROM session").await == 1).then_some(())
    })
    .await;
    until("the key that no longer signs is deleted", || async {
        (app.count("SELECT count(*) FROM signing_key").await == 1).then_some(())
    })
    .await;
}
