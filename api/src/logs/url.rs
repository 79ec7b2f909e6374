//! The URL of a call as a log shows it.

use url::Url;

const MASK: &str = "********";

/// The path of a URL, without host, query and fragment; all of it when it has no host.
pub(super) fn path(url: &str) -> &str {
    let rest = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
        None => url,
    };
    rest.split(['?', '#']).next().unwrap_or(rest)
}

/// A URL without what a log must not show: user name, password, fragment and the values of secret parameters.
/// A path alone is one too. `None` for what is neither.
pub(crate) fn sanitised(text: &str) -> Option<String> {
    if text.starts_with('/') {
        let base = Url::parse("http://path.invalid").ok()?;
        let url = strip(base.join(text).ok().filter(|url| url.host_str() == Some("path.invalid"))?);
        return url.as_str().strip_prefix("http://path.invalid").map(str::to_owned);
    }
    let url = Url::parse(text).ok().filter(Url::has_host)?;
    Some(strip(url).into())
}

fn strip(mut url: Url) -> Url {
    // Both only fail for a URL that cannot have them.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url.query_pairs().map(shown).collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url
}

fn shown((name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)) -> (String, String) {
    let lower = name.to_ascii_lowercase();
    let secret =
        ["key", "token", "secret", "signature", "password", "auth"].iter().any(|word| lower.contains(word));
    let value = if secret { MASK.to_owned() } else { value.into_owned() };
    (name.into_owned(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (text, shown) in [
            (
                "https://api.openai.com/v1/chat/completions",
                Some("https://api.openai.com/v1/chat/completions"),
            ),
            ("https://u:p@a.com/v1?key=abc&alt=sse#x", Some("https://a.com/v1?key=********&alt=sse")),
            (
                "https://a.com/?X-Amz-Signature=1&api_key=2",
                Some("https://a.com/?X-Amz-Signature=********&api_key=********"),
            ),
            ("/v1/chat/completions?token=1", Some("/v1/chat/completions?token=********")),
            ("//evil.example/v1", None),
            ("chat/completions", None),
            ("mailto:a@b.co", None),
            ("", None),
        ] {
            assert_eq!(sanitised(text).as_deref(), shown, "{text}");
        }
    }

    #[test]
    fn a_path_is_cut_out_of_any_url() {
        for (url, expected) in [
            ("https://api.openai.com/v1/embeddings?x=1", "/v1/embeddings"),
            ("https://api.openai.com", "/"),
            ("/v1/models#x", "/v1/models"),
            ("", ""),
        ] {
            assert_eq!(path(url), expected);
        }
    }
}
