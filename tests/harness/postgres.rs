//! A PostgreSQL for one test alone, to be ended and restarted. What a run's other tests share must stay.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sea_orm::{ConnectionTrait as _, Database, Statement};

/// The server. Dropped, it is gone with all its files.
pub struct Postgres {
    /// Of a database on it.
    pub url: String,
    folder: PathBuf,
    script: Child,
}

impl Postgres {
    /// Starts one that keeps what it has committed, whatever becomes of it.
    pub async fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../dev/with-postgres");
        let mut command = Command::new(script);
        // It ends with its command, and that with its input.
        command.args(["--durable", "sh", "-c", "echo $SUITE_POSTGRES; exec cat"]);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut server = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut server).unwrap();
        let url = format!("{}postgres", server.trim());
        let db = Database::connect(&url).await.unwrap();
        let asked = Statement::from_string(db.get_database_backend(), "SHOW data_directory");
        let row = db.query_one_raw(asked).await.unwrap().unwrap();
        let folder: String = row.try_get_by_index(0).unwrap();
        db.close().await.unwrap();
        Self { url, folder: folder.into(), script }
    }

    /// Ends it as a crash does, and starts it again where it was.
    pub fn crash(&self) {
        let pid = std::fs::read_to_string(self.folder.join("postmaster.pid")).unwrap();
        let binary = std::fs::read_link(format!("/proc/{}/exe", pid.lines().next().unwrap())).unwrap();
        let pg_ctl = binary.with_file_name("pg_ctl");
        // It does not run as root, and nobody else may end it.
        let mut command = if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            let owner = Command::new("stat").args(["--format", "%U"]).arg(&self.folder).output().unwrap();
            let owner = String::from_utf8(owner.stdout).unwrap();
            let mut command = Command::new("runuser");
            command.args(["--user", owner.trim(), "--"]).arg(pg_ctl);
            command
        } else {
            Command::new(pg_ctl)
        };
        command.args(["restart", "--mode", "immediate", "--wait", "--silent", "--pgdata"]).arg(&self.folder);
        command.arg("--log").arg(self.folder.with_file_name("log.txt")).current_dir(&self.folder);
        assert!(command.status().unwrap().success());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
