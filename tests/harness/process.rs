//! The server in a process of its own, to be killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// The real binary, serving a folder.
pub struct Process {
    child: Child,
    pub addr: SocketAddr,
}

impl Process {
    /// Starts it on a free port and waits until it says where it listens.
    pub fn serve(dir: &Path, env: &[(&str, &str)]) -> Self {
        let mut child =
            command(dir, env).arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut lines = lines.map(Result::unwrap);
        let addr = lines.by_ref().find_map(|line| {
            let (_, rest) = line.split_once("http://")?;
            rest.split(['/', ' ']).next()?.trim().parse().ok()
        });
        let Some(addr) = addr else { panic!("the server ended before it said where it listens") };
        // It goes on writing; nobody may make it wait.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, addr }
    }

    /// No last words: SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A command of the CLI on the same folder; its JSON.
    pub fn cli(dir: &Path, args: &[&str]) -> Value {
        let output = Self::run(dir, &[], args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// A command of the CLI, however it ends.
    pub fn run(dir: &Path, env: &[(&str, &str)], args: &[&str]) -> Output {
        command(dir, env).args(args).output().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(dir: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnpike"));
    command
        .current_dir(dir)
        .env_remove("RUST_LOG")
        .env("TURNPIKE_DATA_DIR", dir.join("data"))
        .env("TURNPIKE_ADDR", "127.0.0.1:0")
        .env("TURNPIKE_WORKERS", "2")
        .envs(env.iter().copied());
    command
}
