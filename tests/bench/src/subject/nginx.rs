//! nginx as a plain reverse proxy, which keeps its connections to the upstream.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::{Processes, Site, Subject};
use crate::process::Process;
use crate::wire::Connection;

/// Far longer than a start takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) async fn start(site: &Site<'_>) -> anyhow::Result<Subject> {
    let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let file = site.folder.join("nginx.conf");
    std::fs::write(&file, configuration(site, addr))?;
    let mut command = Command::new("nginx");
    // Debian's is not on everybody's PATH.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin")).arg("-p").arg(&site.folder).arg("-c").arg(&file);
    let lines = site.folder.join("lines.txt");
    let process = Process::start(&mut command, &lines, "run: deploy/dev/install bench")?;
    let begun = Instant::now();
    while Connection::open(addr).await.is_err() {
        if begun.elapsed() > PATIENCE {
            bail!("nginx does not start: {}", std::fs::read_to_string(&lines).unwrap_or_default());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut subject = Subject {
        name: "nginx",
        addr,
        upstream: site.upstream,
        headers: String::new(),
        processes: Processes::default(),
        store: None,
        running: Vec::new(),
        place: None,
    };
    subject.keep_process(process);
    Ok(subject)
}

fn configuration(site: &Site<'_>, addr: SocketAddr) -> String {
    let Site { upstream, workers, .. } = site;
    format!(
        "daemon off;
worker_processes {workers};
pid nginx.pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  upstream provider {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen {addr};
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header connection '';
    }}
  }}
}}
"
    )
}
