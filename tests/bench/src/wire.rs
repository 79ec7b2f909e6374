//! An HTTP/1.1 client of one connection, bytes in and bytes out: it must cost less than what it measures.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use memchr::memmem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most headers that an answer may have.
const MAX_HEADERS: usize = 64;

/// What ends a chunked body; nothing that is sent here has it anywhere else.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// One connection, one call at a time.
pub struct Connection {
    stream: TcpStream,
    read: BytesMut,
    head: Head,
}

/// When things came.
pub struct Answered {
    /// The first byte of the body.
    pub first: Instant,
    pub end: Instant,
}

/// Of an answer that is being read.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
struct Head {
    status: u16,
    /// Where the body begins.
    length: usize,
    /// None: the body is chunked.
    body: Option<usize>,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
    pub async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("cannot connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: BytesMut::with_capacity(16 << 10), head: Head::default() })
    }

    /// Sends the bytes of a request and reads its answer to the end.
    ///
    /// # Errors
    /// When the connection ends before, or the status is not 2xx; it tells what was answered.
    pub async fn call(&mut self, request: &[u8]) -> anyhow::Result<Answered> {
        self.read.clear();
        self.stream.write_all(request).await.context("the request could not be sent")?;
        let mut head = None;
        let mut first = None;
        loop {
            if self.stream.read_buf(&mut self.read).await.context("the answer could not be read")? == 0 {
                bail!("the connection ended before the answer: {}", String::from_utf8_lossy(&self.read));
            }
            if head.is_none() {
                head = parse(&self.read)?;
            }
            let Some(head) = head else { continue };
            if first.is_none() && self.read.len() > head.length {
                first = Some(Instant::now());
            }
            if is_whole(&head, &self.read) {
                self.head = head;
                if !(200..300).contains(&head.status) {
                    bail!("answered {}: {}", head.status, String::from_utf8_lossy(self.body()));
                }
                let end = Instant::now();
                return Ok(Answered { first: first.unwrap_or(end), end });
            }
        }
    }

    /// The body of the last answer, as it came.
    pub fn body(&self) -> &[u8] {
        self.read.get(self.head.length..).unwrap_or_default()
    }
}

/// The head, once it is there.
fn parse(read: &[u8]) -> anyhow::Result<Option<Head>> {
    // Looked for first: parsing half a head again and again would cost more.
    if memmem::find(read, b"\r\n\r\n").is_none() {
        return Ok(None);
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(read).context("the answer is not HTTP/1.1")?
    else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let value = |name| response.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value);
    let body = match value("content-length") {
        Some(text) => Some(std::str::from_utf8(text)?.trim().parse().context("content-length")?),
        None if status == 204 => Some(0),
        None if value("transfer-encoding").is_some() => None,
        None => bail!("an answer has neither content-length nor transfer-encoding"),
    };
    Ok(Some(Head { status, length, body }))
}

fn is_whole(head: &Head, read: &[u8]) -> bool {
    match head.body {
        Some(body) => read.len() >= head.length + body,
        // The line end before it is the head's where no chunk came.
        None => read.len() >= head.length + 5 && read.ends_with(LAST_CHUNK),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_answer_of_known_length_is_whole_at_its_last_byte() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        for cut in 0..answer.len() {
            let whole = parse(&answer[..cut]).unwrap().is_some_and(|head| is_whole(&head, &answer[..cut]));
            assert!(!whole, "cut at {cut}");
        }
        let head = parse(answer).unwrap().unwrap();
        assert_eq!(head, Head { status: 200, length: 38, body: Some(3) });
        assert!(is_whole(&head, answer));
    }

    #[test]
    fn a_chunked_answer_is_whole_at_its_last_chunk() {
        let answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nab\n\n\r\n0\r\n\r\n";
        for cut in 0..answer.len() {
            let whole = parse(&answer[..cut]).unwrap().is_some_and(|head| is_whole(&head, &answer[..cut]));
            assert!(!whole, "cut at {cut}");
        }
        assert!(is_whole(&parse(answer).unwrap().unwrap(), answer));
    }

    #[test]
    fn an_answer_without_an_end_is_refused() {
        assert!(parse(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
        assert!(parse(b"SSH-2.0-x\r\n\r\n").is_err());
    }
}
