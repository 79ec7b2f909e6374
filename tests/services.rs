//! Gateway, api and workers as processes of their own, on one database and one Redis.

use std::path::Path;

use redis_server::RedisServer;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Binary, MASTER_KEY, Process, chat, log_id, until};

/// The three, and what they share.
struct Services {
    gateway: Process,
    api: Process,
    workers: Process,
    redis: RedisServer,
    http: reqwest::Client,
    dir: TempDir,
}

impl Services {
    fn start() -> Self {
        Self::with(&[])
    }

    fn with(env: &[(&str, &str)]) -> Self {
        let (dir, redis) = (TempDir::new().unwrap(), RedisServer::start());
        let start = |binary| start(binary, dir.path(), &redis, env);
        let gateway = start(Binary::Gateway);
        let url = format!("http://{}", gateway.addr);
        let env = [env, &[("TURNPIKE_GATEWAY_URL", url.as_str())]].concat();
        let start = |binary| self::start(binary, dir.path(), &redis, &env);
        let (api, workers) = (start(Binary::Api), start(Binary::Workers));
        Self { gateway, api, workers, redis, http: reqwest::Client::new(), dir }
    }

    /// A new organisation's workspace key.
    fn sign_up(&self) -> String {
        let args =
            ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "owner@example.com"];
        Process::cli(self.dir.path(), &args)["api_key"].as_str().unwrap().to_owned()
    }

    async fn call(&self, key: &str) -> reqwest::Response {
        let url = format!("http://{}/v1/chat/completions", self.gateway.addr);
        let request =
            self.http.post(url).header("x-portkey-api-key", key).header("x-portkey-provider", "echo");
        request.json(&chat("hello")).send().await.unwrap()
    }

    async fn get(&self, of: &Process, path: &str, key: &str) -> reqwest::Response {
        let url = format!("http://{}{path}", of.addr);
        self.http.get(url).header("x-portkey-api-key", key).send().await.unwrap()
    }

    async fn ready(&self, of: &Process) -> (StatusCode, Value) {
        let response = self.get(of, "/readyz", "").await;
        (response.status(), response.json().await.unwrap())
    }
}

fn start(binary: Binary, dir: &Path, redis: &RedisServer, env: &[(&str, &str)]) -> Process {
    let url = redis.url();
    let shared = [("TURNPIKE_REDIS_URL", url.as_str()), ("TURNPIKE_MASTER_KEY", MASTER_KEY)];
    Process::start(binary, dir, &[&shared[..], env].concat(), &[])
}

#[tokio::test]
async fn a_plane_documents_what_it_serves_itself() {
    let services = Services::start();
    for (plane, own, others) in [
        (&services.gateway, "/v1/chat/completions", "/v1/logs"),
        (&services.api, "/v1/logs", "/v1/chat/completions"),
    ] {
        let document: Value = services.get(plane, "/openapi.json", "").await.json().await.unwrap();
        for (path, there) in [(own, true), (others, false), ("/openapi.json", true), ("/readyz", true)] {
            assert_eq!(document["paths"].get(path).is_some(), there, "{path}");
        }
        assert_eq!(services.get(plane, "/docs/", "").await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_call_through_the_gateway_is_read_from_the_api() {
    let services = Services::start();
    let key = services.sign_up();
    let answered = services.call(&key).await;
    assert_eq!(answered.status(), 200);
    let id = answered.headers()["x-turnpike-log-id"].to_str().unwrap().to_owned();
    let log = until("the log is there", || async {
        let response = services.get(&services.api, &format!("/v1/logs/{id}"), &key).await;
        (response.status() == 200).then_some(response)
    })
    .await;
    let log: Value = log.json().await.unwrap();
    assert_eq!(log["request"]["body"]["messages"][0]["content"], "hello", "{log}");

    // Each has its own routes and no other's.
    let elsewhere = services.get(&services.api, "/v1/models", &key).await;
    assert_eq!(elsewhere.status(), 404);
    let said: Value = elsewhere.json().await.unwrap();
    assert!(said["data"]["message"].as_str().unwrap().contains("/v1/models"), "{said}");
    assert_eq!(services.get(&services.workers, "/v1/logs", &key).await.status(), 404);
    for process in [services.gateway, services.api, services.workers] {
        assert!(process.terminate().success());
    }
}

#[tokio::test]
async fn the_workers_run_the_jobs_and_the_api_tells_of_it() {
    let token = "an operator's token";
    let services = Services::with(&[
        ("TURNPIKE_OPERATOR_TOKEN", token),
        ("TURNPIKE_JOBS__RETENTION_CRON", "* * * * * *"),
    ]);
    let url = format!("http://{}/v1/admin/jobs", services.api.addr);
    until("a run has ended", || async {
        let jobs: Value =
            services.http.get(&url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
        let jobs = jobs["data"].as_array().unwrap().clone();
        let retention = jobs.iter().find(|job| job["job"] == "retention")?;
        retention["runs"].as_array()?.iter().find(|run| run["outcome"] == "done").map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn each_is_ready_as_long_as_it_can_do_its_work() {
    let mut services = Services::start();
    for (process, checks) in [
        (&services.gateway, &["database", "redis", "spool"][..]),
        (&services.api, &["database", "redis", "spool"]),
        (&services.workers, &["database"]),
    ] {
        let (status, said) = services.ready(process).await;
        assert_eq!((status, &said["status"]), (StatusCode::OK, &json!("ready")), "{said}");
        for check in checks {
            assert_eq!(said["checks"][check], "ok", "{said}");
        }
        assert_eq!(services.get(process, "/healthz", "").await.status(), 200);
    }
    services.redis.kill();
    until("Redis is missed, and nobody is less ready", || async {
        let (status, said) = services.ready(&services.gateway).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        (said["checks"]["redis"] == "does not answer").then_some(())
    })
    .await;
}

/// A Redis that speaks TLS, under a certificate that only who trusts `ca.pem` in `dir` believes.
fn redis_with_tls(dir: &Path) -> (RedisServer, String) {
    let file = |name: &str| dir.join(name).display().to_string();
    let ca = rcgen::CertifiedIssuer::self_signed(ca_params(), rcgen::KeyPair::generate().unwrap()).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    std::fs::write(file("ca.pem"), ca.pem()).unwrap();
    std::fs::write(file("redis.pem"), params.signed_by(&key, &ca).unwrap().pem()).unwrap();
    std::fs::write(file("redis.key"), key.serialize_pem()).unwrap();
    let port = redis_server::free_port();
    let redis = RedisServer::start_with(|_| {
        let args = [
            ["--tls-port", &port.to_string()],
            ["--tls-cert-file", &file("redis.pem")],
            ["--tls-key-file", &file("redis.key")],
            ["--tls-ca-cert-file", &file("ca.pem")],
            ["--tls-auth-clients", "no"],
        ];
        args.as_flattened().iter().map(ToString::to_string).collect()
    });
    (redis, format!("rediss://localhost:{port}"))
}

fn ca_params() -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
}

#[tokio::test]
async fn a_redis_behind_tls_is_believed_when_the_machine_trusts_it() {
    let dir = TempDir::new().unwrap();
    let (_redis, url) = redis_with_tls(dir.path());
    let ca = dir.path().join("ca.pem").display().to_string();
    let http = reqwest::Client::new();
    for (trusted, found) in [(Some(ca.as_str()), "ok"), (None, "does not answer")] {
        let mut env = vec![("TURNPIKE_REDIS_URL", url.as_str()), ("TURNPIKE_MASTER_KEY", MASTER_KEY)];
        env.extend(trusted.map(|ca| ("SSL_CERT_FILE", ca)));
        let gateway = Process::start(Binary::Gateway, dir.path(), &env, &[]);
        until(&format!("Redis is found as {found}"), || async {
            let said = http.get(format!("http://{}/readyz", gateway.addr)).send().await.unwrap();
            let said: Value = said.json().await.unwrap();
            (said["checks"]["redis"] == found).then_some(())
        })
        .await;
    }
}

#[test]
fn a_service_without_a_master_key_or_a_free_port_says_what_to_do() {
    let dir = TempDir::new().unwrap();
    for binary in [Binary::Gateway, Binary::Api, Binary::Workers] {
        let output = Process::run_binary(binary, dir.path(), &[], &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("TURNPIKE_MASTER_KEY") && said.contains("openssl rand -base64 32"), "{said}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let env = [("TURNPIKE_ADDR", addr.as_str()), ("TURNPIKE_MASTER_KEY", MASTER_KEY)];
    let output = Process::run_binary(Binary::Workers, dir.path(), &env, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Name another address with TURNPIKE_ADDR"), "{said}");
}

#[test]
fn the_help_of_each_says_what_it_is_and_needs() {
    let dir = TempDir::new().unwrap();
    for (binary, named) in [
        (Binary::Gateway, "TURNPIKE_REDIS_URL"),
        (Binary::Api, "TURNPIKE_MASTER_KEY"),
        (Binary::Workers, "TURNPIKE_DATABASE_URL"),
    ] {
        let output = Process::run_binary(binary, dir.path(), &[], &["--help"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains(named) && said.contains("/readyz"), "{said}");
    }
}

#[tokio::test]
async fn a_call_is_made_once_more_by_the_gateway_that_the_api_is_told_of() {
    let services = Services::start();
    let key = services.sign_up();
    let id = log_id(&services.call(&key).await);
    let path = format!("/v1/logs/{id}");
    until("the log is there", || async {
        (services.get(&services.api, &path, &key).await.status() == 200).then_some(())
    })
    .await;
    let Services { gateway: _gateway, api, workers: _workers, redis, http, dir } = services;
    let replay = async |of: &Process| -> (u16, Value) {
        let url = format!("http://{}{path}/replay", of.addr);
        let answer = http.post(url).header("x-portkey-api-key", &key).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, made) = replay(&api).await;
    assert_eq!((status, &made["response"]["status"]), (200, &json!(200)), "{made}");

    assert!(api.terminate().success());
    let alone = start(Binary::Api, dir.path(), &redis, &[]);
    let (status, refused) = replay(&alone).await;
    assert_eq!(
        (status, &refused["data"]["errorCode"]),
        (503, &json!("AB04")),
        "it knows no gateway: {refused}"
    );
}
