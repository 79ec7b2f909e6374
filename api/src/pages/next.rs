//! Where somebody goes who has signed in: a page of our own, whatever a link says.

use url::form_urlencoded;

/// Where there is no better place.
pub(super) const START: &str = "/account";

/// Bytes of a path to go to.
const MAX: usize = 512;

/// The path, if it is one of ours: a browser would take one that begins with two slashes for another host's, and a backslash for a
/// slash.
pub(super) fn own(path: &str) -> Option<&str> {
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let is_here = path.starts_with('/') && !path.starts_with("//") && path.len() <= MAX;
    (is_plain && is_here).then_some(path)
}

/// The page to sign in at, to go on to this path.
pub(super) fn sign_in(path: &str) -> String {
    match own(path).filter(|path| *path != START) {
        Some(path) => {
            let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            format!("/sign-in?next={}", next.replace("%2F", "/"))
        }
        None => "/sign-in".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_our_own_is_gone_to() {
        for path in ["/account", "/logs/01900000-0000-7000-8000-000000000001", "/a?b=c#d", "/"] {
            assert_eq!(own(path), Some(path));
        }
        let long = format!("/{}", "a".repeat(MAX));
        for path in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "\t//evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a b",
            "/ä",
            "/a\r\nx: y",
            &long,
        ] {
            assert_eq!(own(path), None, "{path}");
        }
        assert_eq!(sign_in("/logs/a&b"), "/sign-in?next=/logs/a%26b");
        for path in ["//evil.example", START] {
            assert_eq!(sign_in(path), "/sign-in");
        }
    }
}
