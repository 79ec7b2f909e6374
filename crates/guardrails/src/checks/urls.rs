//! `validUrls`: every URL in the text leads somewhere.

use std::sync::LazyLock;
use std::time::Duration;

use futures_util::future::join_all;
use regex::Regex;
use serde_json::json;
use url::Url;

use super::{Finding, Means, Subject};
use crate::parse::Parameters;

/// The contract's.
const TIMEOUT: Duration = Duration::from_secs(3);
/// URLs that are tried for one text. Ours: a text must not make us call half the internet.
const MAX_URLS: usize = 20;

#[derive(Debug)]
pub(crate) struct ValidUrls {
    only_dns: bool,
    not: bool,
}

impl ValidUrls {
    pub fn read(parameters: &mut Parameters<'_>) -> Self {
        Self { only_dns: parameters.flag("onlyDNS", false), not: parameters.flag("not", false) }
    }

    pub async fn judge(&self, subject: Subject<'_>, means: Means<'_>) -> Finding<'static> {
        let found = urls(subject.text);
        if found.is_empty() {
            return Finding::of(false, "no URL was found");
        }
        if found.len() > MAX_URLS {
            let message = format!("there are more than {MAX_URLS} URLs");
            return Finding::trouble("TooManyUrls", message);
        }
        let valid = join_all(found.iter().map(|url| self.leads_somewhere(url, means))).await;
        let invalid: Vec<&str> =
            found.iter().zip(&valid).filter(|(_, valid)| !**valid).map(|(url, _)| *url).collect();
        let all = invalid.is_empty();
        Finding::of(
            all != self.not,
            format!("{} of {} URLs lead somewhere", found.len() - invalid.len(), found.len()),
        )
        .with("invalidUrls", json!(invalid))
        .with("not", self.not)
    }

    async fn leads_somewhere(&self, url: &str, means: Means<'_>) -> bool {
        let Ok(url) = Url::parse(url) else { return false };
        match url.host_str() {
            Some(host) if self.only_dns => means.outside.resolves(host, TIMEOUT).await,
            Some(_) => means.outside.answers(&url, TIMEOUT).await,
            None => false,
        }
    }
}

/// The URLs in a text, each once; punctuation that ends a sentence is not part of one.
fn urls(text: &str) -> Vec<&str> {
    static URL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"https?://[^\s<>"'`{}|\\^]+"#).ok());
    let mut urls = Vec::new();
    for found in URL.iter().flat_map(|url| url.find_iter(text)) {
        let url = found.as_str().trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '*', '_']);
        if !urls.contains(&url) && urls.len() <= MAX_URLS {
            urls.push(url);
        }
    }
    urls
}
