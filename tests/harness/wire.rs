//! A client that sees and does what an SDK hides: the bytes, their order, and how a connection ends.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One raw connection to the server.
pub struct Wire {
    stream: TcpStream,
    /// Everything that came so far.
    pub seen: Vec<u8>,
}

impl Wire {
    pub async fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, seen: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// A POST of JSON.
    pub async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) {
        let length = body.len().to_string();
        let framing = [("host", "x"), ("content-type", "application/json"), ("content-length", &length)];
        let lines = super::header_lines(&framing) + &super::header_lines(headers);
        self.send(format!("POST {path} HTTP/1.1\r\n{lines}\r\n{body}")).await;
    }

    /// Reads until `text` has come.
    pub async fn until(&mut self, text: &str) {
        let reading = async {
            while !self.has(text) {
                let read = self.stream.read_buf(&mut self.seen).await.unwrap();
                assert!(read > 0, "closed before {text:?}: {}", String::from_utf8_lossy(&self.seen));
            }
        };
        super::soon(reading, text).await;
    }

    /// Reads until the server closes the connection, one way or the other.
    pub async fn until_closed(&mut self) {
        let reading =
            async { while matches!(self.stream.read_buf(&mut self.seen).await, Ok(read) if read > 0) {} };
        super::soon(reading, "the server closes the connection").await;
    }

    pub fn has(&self, text: &str) -> bool {
        self.seen.windows(text.len()).any(|window| window == text.as_bytes())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// A response header that has come.
    pub fn header(&self, name: &str) -> Option<String> {
        self.text().lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// Says that no more will be sent, and goes on listening.
    pub async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Goes away as a process that ends does.
    pub fn close(self) {
        drop(self.stream);
    }

    /// Goes away with a reset.
    pub fn reset(self) {
        self.stream.set_zero_linger().unwrap();
        drop(self.stream);
    }
}
