//! Judging a host by what it resolves to, at the moment of connecting.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::Reach;

/// A resolver for hyper's connector that gives only addresses within `reach`.
#[derive(Clone, Copy, Debug)]
pub struct Resolver {
    reach: Reach,
}

impl Resolver {
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self { reach }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| reach.allows(address.ip())).collect();
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
    use super::*;

    #[tokio::test]
    async fn a_name_that_resolves_to_loopback_is_refused_where_only_public_is_allowed() {
        let name: Name = "localhost".parse().unwrap();
        let refused = Resolver::new(Reach::Public).call(name.clone()).await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(Resolver::new(Reach::Loopback).call(name).await.unwrap().count() > 0);
    }
}
