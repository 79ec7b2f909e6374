//! Judging a host by what it resolves to, at the moment of connecting.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::Reach;

type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// A resolver for hyper's connector that gives only addresses within `reach`.
#[derive(Clone, Copy, Debug)]
pub struct Resolver {
    reach: Reach,
    lookup: fn(Name) -> Found,
}

impl Resolver {
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self { reach, lookup: ask_the_system }
    }
}

/// Whether a host, as a URL has it, has an address that may be connected to.
pub async fn resolves(host: &str, reach: Reach) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return reach.allows(address);
    }
    let found = tokio::net::lookup_host((host, 0)).await;
    found.is_ok_and(|mut found| found.any(|address| reach.allows(address.ip())))
}

fn ask_the_system(name: Name) -> Found {
    Box::pin(async move { Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect()) })
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { reach, lookup } = *self;
        Box::pin(async move {
            let mut allowed = lookup(name.clone()).await?;
            allowed.retain(|address| reach.allows(address.ip()));
            if allowed.is_empty() {
                let why = format!("{} has no address that this server may connect to", name.as_str());
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::atomic::{AtomicUsize, Ordering};

    use hyper_util::client::legacy::connect::HttpConnector;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused_where_only_public_is_allowed() {
        let name: Name = "localhost".parse().unwrap();
        let refused = Resolver::new(Reach::Public).call(name.clone()).await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(Resolver::new(Reach::Loopback).call(name).await.unwrap().count() > 0);
    }

    #[tokio::test]
    async fn of_a_names_addresses_only_those_within_reach_are_given() {
        let lookup = |_| -> Found {
            let found = ["10.0.0.1:0", "1.1.1.1:0", "169.254.169.254:0", "[::1]:0", "[2606:4700::1111]:0"];
            Box::pin(async move { Ok(found.map(|address| address.parse().unwrap()).to_vec()) })
        };
        let name: Name = "mixed.example".parse().unwrap();
        for (reach, expected) in [
            (Reach::Public, "1.1.1.1 2606:4700::1111"),
            (Reach::Loopback, "1.1.1.1 ::1 2606:4700::1111"),
            (Reach::Private, "10.0.0.1 1.1.1.1 ::1 2606:4700::1111"),
        ] {
            let given = Resolver { reach, lookup }.call(name.clone()).await.unwrap();
            let given: Vec<_> = given.map(|address| address.ip().to_string()).collect();
            assert_eq!(given.join(" "), expected, "{reach:?}");
        }
    }

    /// The first answer to each of the names is public, every later one points here.
    #[tokio::test]
    async fn a_name_that_changes_its_answer_is_judged_by_the_answer_that_is_connected_to() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let lookup = |_| -> Found {
            let first = ASKED.fetch_add(1, Ordering::SeqCst) == 0;
            let found = if first { "1.1.1.1:0" } else { "127.0.0.1:0" };
            Box::pin(async move { Ok(vec![found.parse().unwrap()]) })
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut resolver = Resolver { reach: Reach::Public, lookup };
        assert_eq!(resolver.call("rebind.example".parse().unwrap()).await.unwrap().count(), 1);

        let uri = format!("http://rebind.example:{port}/v1");
        let refused = HttpConnector::new_with_resolver(resolver).call(uri.parse().unwrap()).await;
        assert!(refused.is_err_and(|error| format!("{error:?}").contains("PermissionDenied")));
        // The connector asks once and connects to what it was given: the same name, where loopback is allowed, gets there.
        resolver.reach = Reach::Loopback;
        let connected = HttpConnector::new_with_resolver(resolver).call(uri.parse().unwrap()).await;
        assert!(connected.is_ok() && listener.accept().await.is_ok());
        assert_eq!(ASKED.load(Ordering::SeqCst), 3);
    }
}
