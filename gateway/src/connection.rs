//! Whether the client of a call is still there.
//!
//! A client that shut down its sending side and one that is gone look the same: both sent a FIN. They differ in what
//! happens to bytes sent to them: a gone one's machine answers with a reset. So a client that has sent a FIN is sent a
//! few bytes that mean nothing (an interim response before the head, a comment in an event stream), and is gone when the
//! connection then has an error.

use std::any::Any;
use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::dev::Extensions;

/// How often a waiting call looks after its client.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How soon after a probe its answer is looked for.
const LOOK_AFTER_PROBE: Duration = Duration::from_millis(10);

/// The longest pause between two probes of a half-closed client.
const PROBE_EVERY_MAX: Duration = Duration::from_secs(15);

/// How long a client may leave what it was sent unacknowledged, or its window closed.
const UNREAD_TIMEOUT: Duration = Duration::from_mins(2);

/// RFC 9110 lets a server send interim responses at any time before the final one; clients skip them, the strictest
/// after five.
const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const MAX_INTERIMS: u32 = 4;

/// A second handle on the client's connection.
struct Socket(Arc<TcpStream>);

pub(crate) fn remember(io: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = io.downcast_ref::<actix_web::rt::net::TcpStream>() {
        // Without it (descriptors ran out, say) a client's end is noticed at the next write.
        if let Ok(fd) = stream.as_fd().try_clone_to_owned() {
            let socket = TcpStream::from(fd);
            if let Err(error) = socket2::SockRef::from(&socket).set_tcp_user_timeout(Some(UNREAD_TIMEOUT)) {
                tracing::debug!(%error, "a client that does not read will be waited for");
            }
            extensions.insert(Socket(Arc::new(socket)));
        }
    }
}

/// What is known of the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    There,
    /// It sends no more; whether it listens, a probe will tell.
    ProbeDue,
    Gone,
}

/// Why a call is waited for no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    ClientGone,
    TooLong,
}

/// Looks after one call's client.
pub(crate) struct Watch {
    socket: Option<Arc<TcpStream>>,
    probes: u32,
    next_probe: Option<Instant>,
}

impl Watch {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        // HTTP/1.0 has no interim responses (RFC 9110, 15.2).
        let can_be_probed = request.version() > actix_web::http::Version::HTTP_10;
        let socket = request.conn_data::<Socket>().filter(|_| can_be_probed);
        let socket = socket.map(|socket| Arc::clone(&socket.0));
        Self { socket, probes: 0, next_probe: None }
    }

    /// One look: two system calls at the most.
    pub(crate) fn look(&self) -> Presence {
        let Some(socket) = &self.socket else { return Presence::There };
        match socket.peek(&mut [0]) {
            Ok(0) if !matches!(socket.take_error(), Ok(None)) => Presence::Gone,
            Ok(0) if self.next_probe.is_none_or(|at| at <= Instant::now()) => Presence::ProbeDue,
            Ok(_) => Presence::There,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                Presence::There
            }
            Err(_) => Presence::Gone,
        }
    }

    /// Notes that a probe was sent; gives how soon its answer is worth a look.
    pub(crate) fn probed(&mut self) -> Duration {
        let pause = Duration::from_secs(1 << self.probes.min(4)).min(PROBE_EVERY_MAX);
        self.probes += 1;
        self.next_probe = Some(Instant::now() + pause);
        LOOK_AFTER_PROBE
    }

    /// Waits for the client to be gone, for `at_most` (by one timer, as most calls are over before it). For the time before the
    /// response's head only: it may send interim responses.
    pub(crate) async fn wait(&mut self, at_most: Duration) -> Waited {
        let begun = Instant::now();
        let mut pause = LOOK_EVERY;
        loop {
            let left = at_most.saturating_sub(begun.elapsed());
            tokio::time::sleep(pause.min(left)).await;
            if begun.elapsed() >= at_most {
                return Waited::TooLong;
            }
            pause = match self.look() {
                Presence::There => LOOK_EVERY,
                Presence::Gone => return Waited::ClientGone,
                Presence::ProbeDue if self.probes >= MAX_INTERIMS => LOOK_EVERY,
                Presence::ProbeDue => {
                    if self.send_interim().is_err() {
                        return Waited::ClientGone;
                    }
                    self.probed()
                }
            };
        }
    }

    fn send_interim(&self) -> std::io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        // The socket does not block, and nothing else is being written before the head.
        match (&**socket).write(INTERIM) {
            Ok(written) if written < INTERIM.len() => {
                // Half of it is out, and nothing sensible can follow.
                socket.shutdown(Shutdown::Both)?;
                Err(ErrorKind::WriteZero.into())
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}
