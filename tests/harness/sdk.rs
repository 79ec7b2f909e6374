//! The real SDKs, each in a process of its own: the scripts of `tests/clients`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::Org;

/// A script, and what runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdk(pub &'static str);

/// Those that make the same calls in the same words.
pub const SDKS: [Sdk; 4] =
    [Sdk("openai_sdk.py"), Sdk("portkey_sdk.py"), Sdk("openai_sdk.js"), Sdk("portkey_sdk.js")];

impl Sdk {
    pub fn is_openai(self) -> bool {
        self.0.starts_with("openai")
    }

    pub fn is_node(self) -> bool {
        Path::new(self.0).extension().is_some_and(|extension| extension == "js")
    }

    /// Makes a script's call against the organisation's server and gives what the SDK returned.
    pub async fn run(self, org: &Org<'_>, provider: &str, args: &[&str], stdin: &Value) -> Value {
        let what = format!("{} {args:?}", self.0);
        let mut command = self.command();
        command
            .args(args)
            .env("TURNPIKE_BASE_URL", org.app.url("/v1"))
            .env("TURNPIKE_API_KEY", &org.key)
            .env("TURNPIKE_PROVIDER", provider)
            .env_remove("OPENAI_API_KEY")
            .env_remove("OPENAI_BASE_URL")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let stdin = stdin.to_string();
        let running = move || {
            let mut child = command.spawn().unwrap();
            // A script that reads none of it may be gone already.
            let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
            child.wait_with_output().unwrap()
        };
        let output = tokio::task::spawn_blocking(running).await.unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{what}: {err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{what}: {error}: {out}"))
    }

    fn command(self) -> Command {
        let mut command = if self.is_node() {
            let mut node = Command::new("node");
            node.env("NODE_PATH", installed("target/node/node_modules"));
            node
        } else {
            let mut python = Command::new(installed("target/venv/bin/python"));
            python.env("PYTHONDONTWRITEBYTECODE", "1");
            python
        };
        command.arg(root().join("tests/clients").join(self.0));
        command
    }
}

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(super) fn installed(path: &str) -> PathBuf {
    let path = root().join(path);
    assert!(path.exists(), "{} is missing; run: make test", path.display());
    path
}
