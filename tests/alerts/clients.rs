//! Who receives alerts, in Python: a library that verifies webhooks, and a mail server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::{Exchange, soon};

fn python(script: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/venv/bin/python");
    assert!(python.exists(), "{} is missing; run: make test", python.display());
    let mut command = Command::new(python);
    command.arg(root.join("tests/clients").join(script)).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Whether Standard Webhooks' own library takes it as signed with `secret`; what it then reads. It goes by the machine's time.
pub async fn verified(secret: &str, exchange: &Exchange) -> Option<Value> {
    let header = |name: &str| exchange.header(name).unwrap().to_owned();
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| (name, header(name)));
    let headers: serde_json::Map<String, Value> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let body = String::from_utf8(exchange.body.clone()).unwrap();
    let asked = json!({"secret": secret, "headers": headers, "body": body}).to_string();
    let output = tokio::task::spawn_blocking(move || {
        let mut command = python("verify_webhook.py");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || said.contains("WebhookVerificationError"), "{said}");
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

/// A mail server that keeps what it is sent, and is busy at first for who is called `busy`.
pub struct MailServer {
    child: Child,
    port: u16,
    mails: mpsc::UnboundedReceiver<Value>,
}

impl MailServer {
    /// It takes mail from who signs in as `turnpike` with `password`.
    pub async fn start(password: &str) -> Self {
        let mut command = python("smtp_sink.py");
        let mut child = command.args(["turnpike", password]).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (sender, mails) = mpsc::unbounded_channel();
        let (tell, port) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = tell.send(lines.next().unwrap().unwrap().parse().unwrap());
            for line in lines.map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        let port = soon(port, "the mail server listens").await.unwrap();
        Self { child, port, mails }
    }

    /// Its URL for who has this password.
    pub fn url(&self, password: &str) -> String {
        format!("smtp://turnpike:{password}@127.0.0.1:{}", self.port)
    }

    /// The next mail.
    pub async fn mail(&mut self) -> Value {
        soon(self.mails.recv(), "a mail comes").await.unwrap()
    }

    /// A mail that came and was not looked at.
    pub fn another(&mut self) -> Option<Value> {
        self.mails.try_recv().ok()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
