//! A provider whose every byte the test decides: it sees each request, and says when which part of the answer goes out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A listening provider. Requests are handed out in the order they come.
pub struct Upstream {
    pub addr: SocketAddr,
    asked: mpsc::UnboundedReceiver<Exchange>,
}

/// One request, and the connection to answer it on.
pub struct Exchange {
    /// The request line and headers as they came.
    pub head: String,
    pub body: Vec<u8>,
    stream: TcpStream,
    chunked: bool,
    next: mpsc::UnboundedSender<TcpStream>,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (asked_sender, asked) = mpsc::unbounded_channel();
        let (idle_sender, mut idle) = mpsc::unbounded_channel::<TcpStream>();
        tokio::spawn(async move {
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    Some(stream) = idle.recv() => stream,
                };
                let (asked_sender, idle_sender) = (asked_sender.clone(), idle_sender.clone());
                tokio::spawn(async move {
                    if let Some(exchange) = read_request(stream, idle_sender).await {
                        let _ = asked_sender.send(exchange);
                    }
                });
            }
        });
        Self { addr, asked }
    }

    /// What `x-portkey-custom-host` is set to.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// The next request, as soon as it is whole.
    pub async fn asked(&mut self) -> Exchange {
        super::soon(self.asked.recv(), "the upstream is asked").await.unwrap()
    }

    /// Answers every request from now on with this JSON, until the test ends; gives how many there were.
    pub fn answer_all(self, body: serde_json::Value) -> Arc<AtomicUsize> {
        self.answer_each(move |exchange| {
            let body = body.clone();
            async move { exchange.json(200, &body).await }
        })
    }

    /// The same, each as `answer` does it.
    pub fn answer_each<F>(mut self, answer: impl Fn(Exchange) -> F + Send + 'static) -> Arc<AtomicUsize>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Some(exchange) = self.asked.recv().await {
                counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(answer(exchange));
            }
        });
        count
    }
}

impl Exchange {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json_body(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// A whole JSON answer with a content-length; the connection can be used again.
    pub async fn json(mut self, status: u16, body: &serde_json::Value) {
        let body = body.to_string();
        let length = body.len().to_string();
        self.head(status, &[("content-type", "application/json"), ("content-length", &length)]).await;
        self.raw(body.as_bytes()).await;
        let _ = self.next.send(self.stream);
    }

    /// An answer that is a head alone.
    pub async fn bodiless(mut self, status: u16, headers: &[(&str, &str)]) {
        let head = format!("HTTP/1.1 {status} X\r\n{}\r\n", super::header_lines(headers));
        self.raw(head.as_bytes()).await;
        let _ = self.next.send(self.stream);
    }

    /// The head of an answer. Without a content-length its body is chunked.
    pub async fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        self.chunked = !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let framing = if self.chunked { "transfer-encoding: chunked\r\n" } else { "" };
        let head = format!("HTTP/1.1 {status} X\r\n{}{framing}\r\n", super::header_lines(headers));
        self.raw(head.as_bytes()).await;
    }

    pub async fn event_stream(&mut self) {
        self.head(200, &[("content-type", "text/event-stream")]).await;
    }

    /// A piece of the body.
    pub async fn send(&mut self, piece: impl AsRef<[u8]>) {
        let piece = piece.as_ref();
        if self.chunked {
            let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            self.raw(&framed).await;
        } else {
            self.raw(piece).await;
        }
    }

    /// The end of a body with a length: the connection can be used again.
    pub fn whole(self) {
        let _ = self.next.send(self.stream);
    }

    /// The regular end of a chunked body.
    pub async fn end(mut self) {
        self.raw(b"0\r\n\r\n").await;
        let _ = self.next.send(self.stream);
    }

    /// Dies in the middle of whatever it was doing.
    pub fn die(self) {
        drop(self.stream);
    }

    /// Waits until the gateway has given this call up.
    pub async fn given_up(mut self) {
        let mut bytes = [0; 64];
        let closed = async {
            loop {
                match self.stream.read(&mut bytes).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        super::soon(closed, "the gateway gives the upstream call up").await;
    }

    /// Bytes as they are; whether there is still somebody to send them to.
    pub async fn is_heard(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Bytes as they are, with no regard for what an answer looks like.
    pub async fn raw(&mut self, bytes: &[u8]) {
        // The gateway may be gone already; the test looks at what came of it.
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }
}

async fn read_request(mut stream: TcpStream, next: mpsc::UnboundedSender<TcpStream>) -> Option<Exchange> {
    let _ = stream.set_nodelay(true);
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        read_some(&mut stream, &mut bytes).await?;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut body = bytes.split_off(end);
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    if let Some(length) = header("content-length").and_then(|value| value.parse::<usize>().ok()) {
        while body.len() < length {
            read_some(&mut stream, &mut body).await?;
        }
    } else if header("transfer-encoding").is_some() {
        while !body.ends_with(b"0\r\n\r\n") {
            read_some(&mut stream, &mut body).await?;
        }
    }
    Some(Exchange { head, body, stream, chunked: false, next })
}

async fn read_some(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    let read = stream.read_buf(bytes).await.ok()?;
    (read > 0).then_some(())
}
