//! An answer that is held until it is checked.

use std::future::poll_fn;

use bytes::{Bytes, BytesMut};
use http::response::Parts as Head;

use crate::answer::{self, Body};
use crate::call::Call;
use crate::connection::Waited;
use crate::error::Error;
use crate::relay::Source;

/// The body of an answer, as far as it was taken in.
pub(super) struct Held {
    pub begun: Bytes,
    /// What is still to come, if anything.
    pub rest: Option<Source>,
    /// What came compressed is not any more.
    pub decoded: bool,
}

impl Held {
    /// Takes all of it in, or a little more than `max` bytes.
    ///
    /// # Errors
    /// Why it will not become whole: nothing of it has gone to the client, so that another target may be asked.
    pub async fn take(head: &Head, body: Body, max: usize, call: &mut Call<'_>) -> Result<Self, Error> {
        let (mut source, _, decoded) = answer::source(head, body);
        let idle = call.gateway.settings.gateway.stream_idle_timeout;
        let provider = || call.provider.clone();
        let mut taken = BytesMut::new();
        while taken.len() <= max {
            let next = tokio::select! {
                biased;
                next = poll_fn(|context| source.poll(context)) => next,
                waited = call.watch.wait(idle) => return Err(match waited {
                    Waited::ClientGone => Error::ClientGone,
                    Waited::TooLong => Error::TimedOut { provider: provider(), timeout_ms: idle.as_millis() },
                }),
            };
            match next {
                Some(Ok(chunk)) => taken.extend_from_slice(&chunk),
                None => return Ok(Self { begun: taken.freeze(), rest: None, decoded }),
                Some(Err(reason)) => {
                    let reason = format!("its answer ended before it was complete: {reason}");
                    return Err(Error::Unreachable { provider: provider(), reason });
                }
            }
        }
        Ok(Self { begun: taken.freeze(), rest: Some(source), decoded })
    }
}
