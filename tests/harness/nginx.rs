//! The nginx of `deploy/nginx`, with its own file, in front of whatever a test puts behind it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How often another port is tried, where one that was free is taken meanwhile.
const TRIES: usize = 5;

/// A proxy on a free port of its own. Dropped, it ends.
pub struct Nginx {
    pub addr: SocketAddr,
    master: Child,
    _prefix: TempDir,
}

impl Nginx {
    /// Starts it before two gateways and the api, and returns when it listens.
    pub fn start(gateways: [SocketAddr; 2], api: SocketAddr) -> Self {
        for _ in 0..TRIES {
            let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let prefix = TempDir::new().unwrap();
            let file = prefix.path().join("nginx.conf");
            std::fs::write(&file, config(addr, gateways, api)).unwrap();
            let mut command = Command::new(binary());
            command.args(["-e", "stderr", "-p"]).arg(prefix.path()).arg("-c").arg(file);
            let mut master = command.stdin(Stdio::null()).spawn().unwrap();
            if listens(addr, &mut master) {
                return Self { addr, master, _prefix: prefix };
            }
        }
        panic!("nginx did not start; what it says is above")
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Killed, it would leave its workers behind.
        let id = self.master.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.master.wait();
    }
}

/// What is run in production, with the addresses of a test in it.
fn config(addr: SocketAddr, gateways: [SocketAddr; 2], api: SocketAddr) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nginx/nginx.conf");
    let mut text = std::fs::read_to_string(file).unwrap();
    for (place, here) in [
        ("listen 8080;", format!("listen {addr};")),
        // `resolve` came with nginx 1.27.3, after Debian 12's.
        ("server gateway-1:8787 resolve;", format!("server {};", gateways[0])),
        ("server gateway-2:8787 resolve;", format!("server {};", gateways[1])),
        ("server api:8787 resolve;", format!("server {api};")),
        // The number of cores is no matter of a test.
        ("worker_processes auto;", "worker_processes 1;".to_owned()),
    ] {
        assert_eq!(text.matches(place).count(), 1, "{place:?} is to be in nginx.conf once");
        text = text.replace(place, &here);
    }
    text
}

/// Debian's is where only root's PATH leads.
fn binary() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let mut files = folders.map(|folder| folder.join("nginx"));
    let found = files.find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("nginx is missing; run: deploy/dev/install test"))
}

/// False where it ended instead.
fn listens(addr: SocketAddr, master: &mut Child) -> bool {
    let begun = Instant::now();
    while TcpStream::connect(addr).is_err() {
        if master.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(begun.elapsed() < super::PATIENCE, "nginx does not listen on {addr}");
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}
