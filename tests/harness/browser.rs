//! A real browser: Chromium, driven by a script of `tests/clients`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::sdk::{installed, root};

const CHROMIUM: &str = "/usr/bin/chromium";

/// Lets the script `browser.js` do what `input` says, and gives what it saw.
pub async fn walk(input: Value) -> Value {
    assert!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing; run: make test");
    let running = move || {
        let mut node = Command::new("node")
            .env("NODE_PATH", installed("target/node/node_modules"))
            .env("CHROMIUM", CHROMIUM)
            .arg(root().join("tests/clients/browser.js"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        node.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
        node.wait_with_output().unwrap()
    };
    let output = tokio::task::spawn_blocking(running).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}
