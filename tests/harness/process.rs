//! The server in a process of its own, to be killed.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::moved::Plane;

/// What a server writes to standard error goes here, in its folder.
pub const LINES: &str = "lines.txt";

/// One of the real binaries.
#[derive(Clone, Copy)]
pub enum Binary {
    /// All planes in one process.
    Turnpike,
    Gateway,
    Api,
    Workers,
    /// A plane in this very binary, by a clock that is moved: see [`super::moved`].
    Moved(Plane),
}

impl Binary {
    fn command(self) -> Command {
        Command::new(match self {
            Self::Turnpike => env!("CARGO_BIN_EXE_turnpike"),
            Self::Gateway => env!("CARGO_BIN_EXE_turnpike-gateway"),
            Self::Api => env!("CARGO_BIN_EXE_turnpike-api"),
            Self::Workers => env!("CARGO_BIN_EXE_turnpike-workers"),
            Self::Moved(plane) => return plane.command(),
        })
    }
}

/// A binary, serving a folder.
pub struct Process {
    child: Child,
    pub addr: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it on a free port and waits until it says where it listens.
    pub fn serve(dir: &Path, env: &[(&str, &str)]) -> Self {
        Self::serve_as(dir, env, &["serve"])
    }

    /// The same with another command.
    pub fn serve_as(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Self {
        Self::start(Binary::Turnpike, dir, env, args)
    }

    /// Starts a binary on a free port and waits until it says where it listens.
    pub fn start(binary: Binary, dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Self {
        let lines = OpenOptions::new().create(true).append(true).open(dir.join(LINES)).unwrap();
        let mut child = command(binary, dir, env)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(lines)
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let Some(addr) = address(&mut out, &said) else {
            let lines = std::fs::read_to_string(dir.join(LINES)).unwrap();
            panic!("the server ended before it said where it listens: {lines}")
        };
        // It goes on writing; nobody may make it wait.
        let more = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut bytes) {
                more.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        Self { child, addr, said }
    }

    /// Writes a line to its standard input.
    pub fn tell(&self, line: &str) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    /// All that came on standard output so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// No last words: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn terminate(self) -> ExitStatus {
        self.ask_to_stop();
        self.ended()
    }

    /// SIGTERM.
    pub fn ask_to_stop(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// Waits for its end, and gives how it ended.
    pub fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// The most memory that it ever had resident, in bytes (`VmHWM`, proc(5)).
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
    }

    /// Where the database of a folder's servers is.
    pub fn database_url(dir: &Path) -> String {
        let in_folder = || format!("sqlite://{}", dir.join("data/turnpike.db").display());
        scratch::postgres_url(dir).unwrap_or_else(in_folder)
    }

    /// The database of a folder's servers.
    pub async fn database(dir: &Path) -> sea_orm::DatabaseConnection {
        migration::connect(&Self::database_url(dir), false).await.unwrap()
    }

    /// A command of the CLI on the same folder; its JSON.
    pub fn cli(dir: &Path, args: &[&str]) -> Value {
        let output = Self::run(dir, &[], args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `turnpike reconcile` finds that all agrees; its summary.
    pub fn reconcile(dir: &Path, env: &[(&str, &str)]) -> Value {
        let output = Self::run(dir, env, &["reconcile", "--json"]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&said).unwrap()
    }

    /// A command of the CLI, however it ends.
    pub fn run(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Output {
        Self::run_binary(Binary::Turnpike, dir, env, args)
    }

    /// A binary, however it ends.
    pub fn run_binary(binary: Binary, dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Output {
        command(binary, dir, env).args(args).output().unwrap()
    }
}

/// Reads up to the line that has the address.
fn address(out: &mut BufReader<ChildStdout>, said: &Mutex<String>) -> Option<SocketAddr> {
    loop {
        let mut line = String::new();
        if out.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        said.lock().unwrap().push_str(&line);
        let rest = line.split_once("http://").map(|(_, rest)| rest);
        if let Some(addr) = rest.and_then(|rest| rest.split(['/', ' ']).next()?.trim().parse().ok()) {
            return Some(addr);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(binary: Binary, dir: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = binary.command();
    command
        .current_dir(dir)
        .env_remove("RUST_LOG")
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .env("TURNPIKE_DATA_DIR", dir.join("data"))
        .env("TURNPIKE_ADDR", "127.0.0.1:0")
        .env("TURNPIKE_STOP_WITHIN_S", "5")
        .env("TURNPIKE_WORKERS", "2");
    if let Some(url) = scratch::postgres_url(dir) {
        command.env("TURNPIKE_DATABASE_URL", url);
    }
    command.envs(env.iter().copied());
    command
}
