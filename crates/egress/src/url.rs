//! Judging a URL as it is written.

use std::net::IpAddr;

use url::{Host, Url};

use crate::Reach;

/// More labels than any real host has.
const MAX_LABELS: usize = 10;

const MAX_LENGTH: usize = 2048;

/// Top-level names that only mean something inside somebody's network.
const INNER_NAMES: [&str; 11] = [
    "local",
    "localdomain",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "test",
    "invalid",
    "onion",
    "localhost",
];

/// What is wrong with a URL, in words for whoever sent it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("must be an absolute http or https URL")]
    NotHttp,
    #[error("must not carry a user name, a password, a query or a fragment")]
    Extras,
    #[error("must not contain {0}")]
    Character(&'static str),
    #[error("must be at most {MAX_LENGTH} characters, its host at most {MAX_LABELS} labels")]
    TooLong,
    #[error("points to a private or reserved address, which this server's settings do not allow")]
    Unreachable,
}

/// Parses `text` as a base URL that a tenant may name. What its host resolves to is judged when connecting.
///
/// # Errors
/// [`BadUrl`] says what is wrong with it.
pub fn check_url(text: &str, reach: Reach) -> Result<Url, BadUrl> {
    if text.len() > MAX_LENGTH {
        return Err(BadUrl::TooLong);
    }
    if !text.is_ascii() || text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return Err(BadUrl::Character("control, blank or non-ASCII characters"));
    }
    if text.contains(['@', '%', '\\']) {
        return Err(BadUrl::Character("@, % or \\"));
    }
    let url = Url::parse(text).map_err(|_| BadUrl::NotHttp)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadUrl::NotHttp);
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(BadUrl::Extras);
    }
    check_host(&url, text, reach)?;
    Ok(url)
}

/// As [`check_url`], for a URL to which something private is sent: https, or http to this machine or, where all private
/// hosts are allowed, to any.
///
/// # Errors
/// What is wrong with it; `None` that it is not https.
pub fn check_private_url(text: &str, reach: Reach) -> Result<Url, Option<BadUrl>> {
    let url = check_url(text, reach).map_err(Some)?;
    let near = reach == Reach::Private || check_url(text, Reach::Public).is_err();
    if url.scheme() == "https" || near { Ok(url) } else { Err(None) }
}

fn check_host(url: &Url, text: &str, reach: Reach) -> Result<(), BadUrl> {
    match url.host() {
        None => Err(BadUrl::NotHttp),
        Some(Host::Ipv4(v4)) => {
            // The parser reads 0x7f.1 and 2130706433 as addresses; only the plain form is meant in earnest.
            let plain = text.contains(&v4.to_string());
            if plain && reach.allows(IpAddr::V4(v4)) { Ok(()) } else { Err(BadUrl::Unreachable) }
        }
        Some(Host::Ipv6(v6)) => {
            if reach.allows(IpAddr::V6(v6)) {
                Ok(())
            } else {
                Err(BadUrl::Unreachable)
            }
        }
        Some(Host::Domain(name)) => check_name(name, reach),
    }
}

fn check_name(name: &str, reach: Reach) -> Result<(), BadUrl> {
    if name.ends_with('.') {
        return Err(BadUrl::Character("a trailing dot in the host"));
    }
    if name.split('.').count() > MAX_LABELS {
        return Err(BadUrl::TooLong);
    }
    let last = name.rsplit('.').next().unwrap_or(name);
    let allowed = match reach {
        Reach::Private => true,
        Reach::Loopback => last == "localhost" || !INNER_NAMES.contains(&last),
        Reach::Public => !INNER_NAMES.contains(&last),
    };
    if allowed { Ok(()) } else { Err(BadUrl::Unreachable) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_judged() {
        const NON_ASCII: Result<(), BadUrl> =
            Err(BadUrl::Character("control, blank or non-ASCII characters"));
        let ok = Ok(());
        let cases = [
            ("https://api.example.com/v1", Reach::Public, ok.clone()),
            ("http://127.0.0.1:9100/v1", Reach::Loopback, ok.clone()),
            ("http://localhost:9100", Reach::Loopback, ok.clone()),
            ("http://[::1]:9100", Reach::Loopback, ok.clone()),
            ("http://10.0.0.5/v1", Reach::Private, ok),
            ("http://localhost:9100", Reach::Public, Err(BadUrl::Unreachable)),
            ("http://10.0.0.5/v1", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://0x7f.1/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://2130706433/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://127.1/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://0177.0.0.1/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://017700000001/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://0x7f000001/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://127.0.0.1./", Reach::Public, Err(BadUrl::Unreachable)),
            ("http://0/", Reach::Public, Err(BadUrl::Unreachable)),
            ("http://256.1.1.1/", Reach::Private, Err(BadUrl::NotHttp)),
            ("http://2852039166/", Reach::Private, Err(BadUrl::Unreachable)),
            ("http://0xa9.0xfe.0xa9.0xfe/", Reach::Private, Err(BadUrl::Unreachable)),
            ("http://169.254.169.254/latest", Reach::Private, Err(BadUrl::Unreachable)),
            ("http://[::ffff:169.254.169.254]/", Reach::Private, Err(BadUrl::Unreachable)),
            ("http://[64:ff9b::a9fe:a9fe]/", Reach::Private, Err(BadUrl::Unreachable)),
            ("http://[fd00:ec2::254]/", Reach::Private, Err(BadUrl::Unreachable)),
            ("http://[::ffff:7f00:1]/", Reach::Public, Err(BadUrl::Unreachable)),
            ("http://[fe80::1%25eth0]/", Reach::Private, Err(BadUrl::Character("@, % or \\"))),
            ("http://LOCALHOST/", Reach::Public, Err(BadUrl::Unreachable)),
            ("http://localhost./", Reach::Public, Err(BadUrl::Character("a trailing dot in the host"))),
            ("http://Metadata.Google.INTERNAL/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("https://xn--bcher-kva.example/v1", Reach::Public, Ok(())),
            ("https://xn--a/", Reach::Public, Err(BadUrl::NotHttp)),
            ("https://b\u{fc}cher.example/", Reach::Public, NON_ASCII),
            ("http://\u{ff11}27.0.0.1/", Reach::Public, NON_ASCII),
            ("http://127\u{3002}0.0.1/", Reach::Public, NON_ASCII),
            ("http://169.254.169.254/latest", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://metadata.google.internal/", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("http://printer.lan", Reach::Loopback, Err(BadUrl::Unreachable)),
            ("ftp://example.com", Reach::Public, Err(BadUrl::NotHttp)),
            ("example.com/v1", Reach::Public, Err(BadUrl::NotHttp)),
            ("", Reach::Public, Err(BadUrl::NotHttp)),
            ("https://u:p@example.com", Reach::Public, Err(BadUrl::Character("@, % or \\"))),
            ("https://example.com@127.0.0.1/", Reach::Public, Err(BadUrl::Character("@, % or \\"))),
            ("https://127.0.0.1\\@example.com/", Reach::Public, Err(BadUrl::Character("@, % or \\"))),
            ("https://127.0.0.1#.example.com/", Reach::Public, Err(BadUrl::Extras)),
            ("https://example.com\t/", Reach::Public, NON_ASCII),
            ("https:example.com", Reach::Public, Ok(())),
            ("https:///127.0.0.1/", Reach::Public, Err(BadUrl::Unreachable)),
            ("https://example.com/%2e", Reach::Public, Err(BadUrl::Character("@, % or \\"))),
            ("https://example.com?x=1", Reach::Public, Err(BadUrl::Extras)),
            ("https://example.com./v1", Reach::Public, Err(BadUrl::Character("a trailing dot in the host"))),
            ("https://a.b.c.d.e.f.g.h.i.j.k", Reach::Public, Err(BadUrl::TooLong)),
        ];
        for (text, reach, expected) in cases {
            assert_eq!(check_url(text, reach).map(|_| ()), expected, "{text} {reach:?}");
        }
    }

    #[test]
    fn what_something_private_is_sent_to_is_https_or_near() {
        const NOT_HTTPS: Result<(), Option<BadUrl>> = Err(None);
        const UNREACHABLE: Result<(), Option<BadUrl>> = Err(Some(BadUrl::Unreachable));
        for (url, reach, expected) in [
            ("https://hooks.example.com/in", Reach::Public, Ok(())),
            ("https://hooks.example.com/in", Reach::Loopback, Ok(())),
            ("http://hooks.example.com/in", Reach::Public, NOT_HTTPS),
            ("http://hooks.example.com/in", Reach::Loopback, NOT_HTTPS),
            ("http://receiver:8080/in", Reach::Private, Ok(())),
            ("http://10.0.0.5/in", Reach::Private, Ok(())),
            ("http://10.0.0.5/in", Reach::Loopback, UNREACHABLE),
            ("http://127.0.0.1:9000/in", Reach::Loopback, Ok(())),
            ("http://localhost:9000/in", Reach::Loopback, Ok(())),
            ("http://127.0.0.1:9000/in", Reach::Public, UNREACHABLE),
            ("http://169.254.169.254/in", Reach::Private, UNREACHABLE),
        ] {
            assert_eq!(check_private_url(url, reach).map(|_| ()), expected, "{url} {reach:?}");
        }
    }
}
