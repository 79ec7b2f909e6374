//! A real redis-server for a test alone: on a free port, with nothing kept on disk but what it is told to save, gone with
//! its handle.

#![expect(clippy::unwrap_used, clippy::panic, reason = "for tests: one that cannot set itself up has failed")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Far longer than a start takes, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often another is tried, where a port that was free is taken meanwhile.
const TRIES: usize = 5;

/// What it loads at its start, in its folder; and what [`RedisServer::save`] made, where a start does not look.
const DUMP: &str = "dump.rdb";
const SAVED: &str = "saved.rdb";

/// The server. Dropped, it is killed.
pub struct RedisServer {
    port: u16,
    /// Beyond those that every server has.
    args: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts it, and returns when it answers.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(|_| Vec::new())
    }

    /// The same with more arguments, for the port that it gets.
    #[must_use]
    pub fn start_with(args: impl Fn(u16) -> Vec<String>) -> Self {
        let folder = TempDir::new().unwrap();
        for _ in 0..TRIES {
            let port = free_port();
            let args = args(port);
            if let Some(child) = spawn(port, folder.path(), &args) {
                return Self { port, args, folder, child: Some(child) };
            }
        }
        panic!("no port for redis-server was free");
    }

    /// A cluster of one node, which refuses a command whose keys belong to several.
    #[must_use]
    pub fn start_cluster() -> Self {
        let server = Self::start_with(|_| ["--cluster-enabled", "yes"].map(str::to_owned).to_vec());
        assert!(server.command("CLUSTER ADDSLOTSRANGE 0 16383").starts_with("+OK"));
        let begun = Instant::now();
        while !server.command("CLUSTER INFO").contains("cluster_state:ok") {
            assert!(begun.elapsed() < PATIENCE, "the cluster does not form");
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// What `redis_url` is set to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL: its data is lost.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again where it was, with nothing in it.
    pub fn restart(&mut self) {
        self.kill();
        let begun = Instant::now();
        while self.child.is_none() {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not start again on port {}", self.port);
            self.child = spawn(self.port, self.folder.path(), &self.args);
        }
    }

    /// Keeps what is in it now, for [`RedisServer::restart_as_saved`].
    pub fn save(&self) {
        let answer = self.command("SAVE");
        assert!(answer.starts_with("+OK"), "{answer}");
        std::fs::rename(self.folder.path().join(DUMP), self.folder.path().join(SAVED)).unwrap();
    }

    /// All that is in it now, as it would be kept: in its own form, which packs texts unless it was started not to.
    #[must_use]
    pub fn content(&self) -> Vec<u8> {
        self.save();
        std::fs::read(self.folder.path().join(SAVED)).unwrap()
    }

    /// Starts it again where it was, with what was in it when it was saved.
    pub fn restart_as_saved(&mut self) {
        let dump = self.folder.path().join(DUMP);
        std::fs::copy(self.folder.path().join(SAVED), &dump).unwrap();
        self.restart();
        std::fs::remove_file(dump).unwrap();
    }

    /// It keeps its connections and answers no more, until [`RedisServer::go_on`].
    pub fn hang(&self) {
        self.signal("-STOP");
    }

    /// Ends [`RedisServer::hang`].
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Sends a command, and gives the first bytes of the answer as they stand.
    #[must_use]
    pub fn command(&self, line: &str) -> String {
        ask(self.port, line).unwrap()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().map(Child::id).unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port of the loopback that nobody listens on.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// None when the port is another's.
fn spawn(port: u16, folder: &Path, more: &[String]) -> Option<Child> {
    let port_text = port.to_string();
    let args = ["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
    let mut command = Command::new("redis-server");
    command.args(args).args(more).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let spawned = command.spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("redis-server (deploy/dev/install): {error}"));
    let own = format!("process_id:{}", child.id());
    let begun = Instant::now();
    loop {
        match ask(port, "INFO server") {
            Ok(answer) if answer.contains(&own) => return Some(child),
            _ if child.try_wait().unwrap().is_some() => return None,
            _ => assert!(begun.elapsed() < PATIENCE, "redis-server does not answer on port {port}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn ask(port: u16, line: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{line}\r\nQUIT\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
