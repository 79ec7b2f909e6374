//! Both planes behind the nginx of `deploy/nginx`: one base URL, and nothing that it changes about a call.

use std::path::Path;

use plans::Plan;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpSocket};

use crate::harness::{DONE, Nginx, TestApp, Upstream, Wire, chat, delta, soon};
use crate::routes::{self, GATEWAY};

/// Two gateways and an api that say which of them was asked.
fn planes_that_say_who_they_are(gateways: [Upstream; 2], api: Upstream) -> Nginx {
    let addrs = [gateways[0].addr, gateways[1].addr];
    let nginx = Nginx::start(addrs, api.addr);
    for gateway in gateways {
        gateway.answer_all(json!("gateway"));
    }
    api.answer_all(json!("api"));
    nginx
}

/// Every route and page of the control plane, with something for its parameters.
fn control_plane() -> impl Iterator<Item = (&'static str, String)> {
    let operators = api::admin::ROUTES.iter().map(|route| ("GET", route.path));
    let pages = api::pages::PAGES.iter().map(|page| (page.method, page.path));
    let routes = api::ROUTES.iter().map(|route| (route.method, route.path)).chain(operators).chain(pages);
    routes.map(|(method, path)| (method, path.replace(['{', '}'], "")))
}

#[tokio::test]
async fn each_route_goes_to_the_plane_that_has_it() {
    let (one, other, api) = tokio::join!(Upstream::start(), Upstream::start(), Upstream::start());
    let nginx = planes_that_say_who_they_are([one, other], api);
    let http = reqwest::Client::new();
    let beyond =
        [("GET", "/"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/v1/logsuch"), ("GET", "/docsuch")];
    let gateways =
        GATEWAY.into_iter().chain(beyond).map(|(method, path)| (method, path.to_owned(), "gateway"));
    let documents = ["/openapi.json", "/docs", "/docs/page.js"].map(|path| ("GET", path.to_owned()));
    let apis = control_plane().chain(documents).map(|(method, path)| (method, path, "api"));
    for (method, path, plane) in gateways.chain(apis) {
        for path in [path.clone(), format!("{path}?a=/v1/logs")] {
            let answer = http.request(routes::method(method), nginx.url(&path)).send().await.unwrap();
            assert_eq!(answer.json::<Value>().await.unwrap(), plane, "{method} {path}");
        }
    }
    let metrics = http.get(nginx.url("/metrics")).send().await.unwrap();
    assert_eq!(metrics.status(), 404, "they are not for everyone");
}

#[test]
fn the_charts_ingress_has_the_same_paths() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../helm/turnpike/control-plane-paths.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let prefixes: Vec<&str> = text.lines().collect();
    // As Ingress has it for `Prefix`: by whole elements of the path.
    let has = |path: &str| {
        let below = |prefix: &&str| {
            path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        prefixes.iter().any(below)
    };
    for (method, path) in control_plane() {
        assert!(has(&path), "{method} {path} would go to the gateway");
    }
    for (method, path) in GATEWAY {
        assert!(!has(path), "{method} {path} would go to the api");
    }
    for prefix in prefixes {
        let of_a_document = ["/openapi.json", "/docs"].contains(&prefix);
        let used = of_a_document || control_plane().any(|(_, path)| path.starts_with(prefix));
        assert!(used, "{prefix} has no route");
    }
}

/// A server that is all planes, behind nginx.
async fn behind_nginx() -> (TestApp, Nginx) {
    let app = TestApp::start().await;
    let addr = app.running.addr;
    (app, Nginx::start([addr, addr], addr))
}

#[tokio::test]
async fn a_streamed_chunk_arrives_before_the_next_is_sent_and_its_log_is_at_the_same_origin() {
    let (app, nginx) = behind_nginx().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let mut wire = Wire::connect(nginx.addr).await;
    let mut body = chat("hi");
    body["stream"] = json!(true);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let headers = [&org.headers(&url)[..], &[("traceparent", &parent)]].concat();
    wire.post("/v1/chat/completions", &headers, &body.to_string()).await;
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    for word in ["alpha", "beta", "gamma"] {
        exchange.send(delta(word)).await;
        wire.until(word).await;
    }
    exchange.send(DONE).await;
    wire.until(DONE).await;
    exchange.end().await;
    wire.until("0\r\n\r\n").await;

    let id = wire.header("x-turnpike-log-id").unwrap();
    org.log(&id).await;
    let log = app.http.get(nginx.url(&format!("/v1/logs/{id}"))).header("x-portkey-api-key", &org.key);
    let log: Value = log.send().await.unwrap().json().await.unwrap();
    assert_eq!((&log["_id"], &log["metrics"]["trace_id"]), (&json!(id), &json!(trace)), "{log}");
}

#[tokio::test]
async fn a_request_passes_piece_by_piece_with_its_headers_and_the_clients_true_address() {
    let gateway = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = gateway.local_addr().unwrap();
    let nginx = Nginx::start([addr, addr], addr);
    let mut wire = Wire::connect(nginx.addr).await;
    let kept =
        ["traceparent: 00-1-2-01", "x_under_score: 1", "host: gateway.example:8080", "accept-encoding: gzip"];
    let head = format!("{}\r\nx-forwarded-for: 192.0.2.7\r\ntransfer-encoding: chunked", kept.join("\r\n"));
    wire.send(format!("POST /v1/files//a%2Fb?c HTTP/1.1\r\n{head}\r\n\r\n5\r\nalpha\r\n")).await;
    let (mut asked, _) = soon(gateway.accept(), "the gateway is asked").await.unwrap();
    let mut seen = String::new();
    for (piece, next) in [("alpha", "4\r\nbeta\r\n"), ("beta", "0\r\n\r\n"), ("0\r\n\r\n", "")] {
        let reading = async {
            while !seen.contains(piece) {
                let mut bytes = Vec::new();
                assert!(asked.read_buf(&mut bytes).await.unwrap() > 0, "{seen}");
                seen.push_str(&String::from_utf8(bytes).unwrap());
            }
        };
        soon(reading, piece).await;
        wire.send(next).await;
    }
    let seen = seen.to_lowercase();
    assert!(seen.starts_with("post /v1/files//a%2fb?c http/1.1\r\n"), "{seen}");
    for line in kept.into_iter().chain(["x-forwarded-for: 127.0.0.1"]) {
        assert_eq!(seen.matches(&format!("\r\n{line}\r\n")).count(), 1, "{line}: {seen}");
    }
    assert_eq!(seen.matches("x-forwarded-for").count(), 1, "{seen}");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_call() {
    let (app, nginx) = behind_nginx().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    for streaming in [false, true] {
        let mut wire = Wire::connect(nginx.addr).await;
        wire.post("/v1/chat/completions", &org.headers(&url), &chat("hi").to_string()).await;
        let mut exchange = upstream.asked().await;
        if streaming {
            exchange.event_stream().await;
            exchange.send(delta("word")).await;
            wire.until("word").await;
        }
        wire.close();
        exchange.given_up().await;
    }
    for row in org.rows("", 2).await {
        assert_eq!(row["outcome"], "client_gone", "{row}");
    }
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_in_the_gateways_words() {
    let app = TestApp::with(|settings| settings.gateway.max_body_bytes = 1 << 20).await;
    let addr = app.running.addr;
    let nginx = Nginx::start([addr, addr], addr);
    let org = app.org(Plan::Developer).await;
    let call = async |length: usize| {
        let call = app.http.post(nginx.url("/v1/chat/completions")).header("x-portkey-api-key", &org.key);
        let answer =
            call.header("x-portkey-provider", "echo").json(&chat(&"x".repeat(length))).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    assert_eq!(call(1_000_000).await.0, 200, "nginx's own default is 1 MiB");
    let (status, said) = call(8 << 20).await;
    assert_eq!(status, 413);
    assert_eq!(said["message"], "body: larger than the 1048576 bytes that are taken");
}

#[tokio::test]
async fn calls_go_around_a_gateway_that_cannot_be_reached() {
    // Bound, and nobody listens: no other test's server can come here.
    let gone = TcpSocket::new_v4().unwrap();
    gone.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let (there, api) = tokio::join!(Upstream::start(), Upstream::start());
    let nginx = Nginx::start([gone.local_addr().unwrap(), there.addr], api.addr);
    there.answer_all(json!("gateway"));
    for _ in 0..4 {
        let call = reqwest::Client::new().post(nginx.url("/v1/chat/completions")).json(&chat("hi"));
        assert_eq!(call.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_call_whose_gateway_dies_is_not_made_again() {
    let (mut one, mut other, api) = tokio::join!(Upstream::start(), Upstream::start(), Upstream::start());
    let nginx = Nginx::start([one.addr, other.addr], api.addr);
    let call = |text: &str| reqwest::Client::new().post(nginx.url("/v1/chat/completions")).json(&chat(text));
    let first = tokio::spawn(call("first").send());
    let of_the_one = tokio::select! {
        asked = one.asked() => { asked.die(); true }
        asked = other.asked() => { asked.die(); false }
    };
    let first = soon(first, "the caller is told").await.unwrap().unwrap();
    assert_eq!(first.status(), 502);
    // What the other is asked next is the next call.
    let next = tokio::spawn(call("next").send());
    let asked = if of_the_one { other.asked().await } else { one.asked().await };
    assert_eq!(asked.json_body()["messages"][0]["content"], "next");
    asked.json(200, &json!("gateway")).await;
    assert_eq!(next.await.unwrap().unwrap().status(), 200);
}
