//! Where a provider is: what a request's path is appended to.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use moka::sync::Cache;
use url::Url;

/// A base URL, taken apart once so that a request only joins it.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    scheme: Scheme,
    authority: Authority,
    /// Without a slash at its end.
    base_path: String,
}

/// The hosts that callers named of late, so that each is looked into once. Where it may lead is checked again at each
/// connection.
pub(crate) struct Origins(Cache<String, Made>);

/// An origin, and the prefix that it was made with.
#[derive(Clone)]
struct Made(String, Arc<Origin>);

/// Hosts remembered.
const MAX_ORIGINS: u64 = 10_000;

impl Default for Origins {
    fn default() -> Self {
        Self(Cache::new(MAX_ORIGINS))
    }
}

impl Origins {
    /// # Errors
    /// What `make` says is wrong with `host`.
    pub(crate) fn get_or_make<E>(
        &self,
        host: &str,
        prefix: &str,
        make: impl FnOnce() -> Result<Option<Origin>, E>,
    ) -> Result<Option<Arc<Origin>>, E> {
        if let Some(Made(_, origin)) = self.0.get(host).filter(|Made(of, _)| of == prefix) {
            return Ok(Some(origin));
        }
        let Some(origin) = make()?.map(Arc::new) else { return Ok(None) };
        self.0.insert(host.to_owned(), Made(prefix.to_owned(), Arc::clone(&origin)));
        Ok(Some(origin))
    }
}

impl Origin {
    /// None for a URL that is no http or https one.
    pub(crate) fn of(url: &Url, prefix: &str) -> Option<Self> {
        let base_path = format!("{}{prefix}", url.path().trim_end_matches('/'));
        Some(Self {
            scheme: Scheme::try_from(url.scheme()).ok()?,
            authority: Authority::try_from(url.authority()).ok()?,
            base_path,
        })
    }

    /// The provider's own, if it has one.
    pub(crate) fn of_provider(slug: &str) -> Option<Arc<Self>> {
        static ORIGINS: LazyLock<HashMap<&'static str, Arc<Origin>>> = LazyLock::new(|| {
            providers::all()
                .filter_map(|provider| {
                    let origin = Origin::of(provider.base.as_ref()?, &provider.prefix)?;
                    Some((provider.slug.as_str(), Arc::new(origin)))
                })
                .collect()
        });
        ORIGINS.get(slug).map(Arc::clone)
    }

    /// The URL of `path` (what follows `/v1`) with these query strings; none when they are no valid URL.
    pub(crate) fn uri(&self, path: &str, query: &str, more_query: Option<&str>) -> Option<Uri> {
        let more = more_query.unwrap_or_default();
        let mut text =
            String::with_capacity(self.base_path.len() + path.len() + query.len() + more.len() + 2);
        text.push_str(&self.base_path);
        text.push_str(path);
        for (part, first) in [(query, true), (more, query.is_empty())] {
            if !part.is_empty() {
                text.push(if first { '?' } else { '&' });
                text.push_str(part);
            }
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(self.scheme.clone());
        parts.authority = Some(self.authority.clone());
        parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
        Uri::from_parts(parts).ok()
    }

    /// The same for the log: without any query, which may carry secrets.
    pub(crate) fn shown(&self, path: &str) -> String {
        format!("{}://{}{}{path}", self.scheme, self.authority, self.base_path)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_path_is_appended_to_the_base() {
        let cases = [
            (
                "https://api.openai.com/v1",
                "",
                "/chat/completions",
                "",
                "https://api.openai.com/v1/chat/completions",
            ),
            ("https://api.together.xyz", "/v1", "/models", "", "https://api.together.xyz/v1/models"),
            ("http://127.0.0.1:9100/v1/", "", "/files", "limit=2", "http://127.0.0.1:9100/v1/files?limit=2"),
            ("http://[::1]:9100", "", "/x", "a=1&b=2", "http://[::1]:9100/x?a=1&b=2"),
        ];
        for (base, prefix, path, query, expected) in cases {
            let origin = Origin::of(&Url::parse(base).unwrap(), prefix).unwrap();
            assert_eq!(origin.uri(path, query, None).unwrap().to_string(), expected);
        }
        let origin = Origin::of(&Url::parse("https://h/v1").unwrap(), "").unwrap();
        assert_eq!(origin.uri("/m", "", Some("key=k")).unwrap().to_string(), "https://h/v1/m?key=k");
        assert_eq!(origin.uri("/m", "a=b", Some("key=k")).unwrap().to_string(), "https://h/v1/m?a=b&key=k");
        assert_eq!(origin.shown("/m"), "https://h/v1/m");
        assert!(origin.uri("/a b", "", None).is_none());
    }
}
