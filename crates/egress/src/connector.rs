//! Connections on a tenant's behalf, and why nothing came back over one.

use std::error::Error;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;

use crate::{Reach, Resolver};

/// Connects to what is within `reach`, for TLS or without, within `timeout`.
#[must_use]
pub fn connector(reach: Reach, timeout: Duration) -> HttpConnector<Resolver> {
    let mut connector = HttpConnector::new_with_resolver(Resolver::new(reach));
    connector.enforce_http(false);
    connector.set_connect_timeout(Some(timeout));
    connector
}

/// Why a request was not answered, in words of our own: what the system says may name what is behind us.
#[must_use]
pub fn unanswered(error: &(dyn Error + 'static)) -> &'static str {
    let causes = || std::iter::successors(Some(error), |&cause| cause.source());
    let kinds = causes().filter_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind);
    for kind in kinds {
        match kind {
            io::ErrorKind::PermissionDenied => {
                return "the host has no address that this server may connect to";
            }
            io::ErrorKind::TimedOut => return "the connection was not made in time",
            _ => {}
        }
    }
    let client = causes().find_map(|cause| cause.downcast_ref::<legacy::Error>());
    if client.is_some_and(legacy::Error::is_connect) {
        "no connection could be made"
    } else {
        "the connection broke before there was an answer"
    }
}
