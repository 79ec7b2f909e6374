//! Organisations are customers: of localstripe, which serves what Stripe does of them.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Process, until};

const KEY: &str = "sk_test_12345";

/// A localstripe; gone when it is dropped.
struct LocalStripe {
    child: Child,
    url: String,
    dir: TempDir,
}

impl LocalStripe {
    async fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join("target/venv/bin/python");
        assert!(python.exists(), "{} is missing; run: make test", python.display());
        let dir = TempDir::new().unwrap();
        // It takes no port 0.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(python);
        command.args(["-m", "localstripe", "--from-scratch", "--port", &port.to_string()]);
        command.env("PYTHONDONTWRITEBYTECODE", "1").current_dir(dir.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let stripe = Self { child, url: format!("http://127.0.0.1:{port}"), dir };
        until("localstripe answers", || async { stripe.customers().await }).await;
        stripe
    }

    async fn customers(&self) -> Option<Vec<Value>> {
        let request = reqwest::Client::new().get(format!("{}/v1/customers", self.url)).bearer_auth(KEY);
        let list: Value = request.send().await.ok()?.json().await.ok()?;
        list["data"].as_array().cloned()
    }

    fn env(&self) -> [(&str, &str); 2] {
        [("TURNPIKE_PAYMENTS__STRIPE_API_KEY", KEY), ("TURNPIKE_PAYMENTS__STRIPE_BASE_URL", &self.url)]
    }
}

impl Drop for LocalStripe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_organisation_is_made_a_customer_once_or_named_as_one() {
    let stripe = LocalStripe::start().await;
    let dir = stripe.dir.path();
    let create = |email: &str| {
        let args = ["org", "create", "--name", "Acme", "--plan", "production", "--owner-email", email];
        Process::cli(dir, &args)["organisation_id"].as_str().unwrap().to_owned()
    };
    let (acme, other) = (create("a@example.com"), create("b@example.com"));
    let run = |args: &[&str]| {
        let output =
            Process::run(dir, &stripe.env(), &[&["org", "customer", "--organisation"], args].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.success(), answer, said)
    };
    let (done, made, said) = run(&[&acme]);
    assert!(done, "{said}");
    let customers = stripe.customers().await.unwrap();
    assert_eq!(customers.len(), 1);
    assert_eq!(made["stripe_customer_id"], customers[0]["id"]);
    assert_eq!(
        (&customers[0]["name"], &customers[0]["metadata"]["organisation_id"]),
        (&json!("Acme"), &json!(acme))
    );

    let id = customers[0]["id"].as_str().unwrap();
    for (args, says) in [
        (&[acme.as_str()][..], "the organisation is the customer cus_"),
        (&[&other, "--stripe", id], "is another organisation's"),
        (&[&other, "--stripe", "acme"], "expected cus_"),
        (&["00000000-0000-4000-8000-000000000000", "--stripe", "cus_1"], "no organisation with id"),
    ] {
        let (done, _, said) = run(args);
        assert!(!done && said.contains(says), "{args:?}: {said}");
    }
    assert!(run(&[&other, "--stripe", "cus_other"]).0);
    assert_eq!(stripe.customers().await.unwrap().len(), 1, "Stripe was asked for no second");
}
