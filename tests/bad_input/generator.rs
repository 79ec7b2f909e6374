//! Requests that mean no good, as bytes.

use serde_json::json;

use crate::harness::{Chance, chat};
use crate::routes::GATEWAY;

/// One request; the same for the same chance.
pub fn any_request(chance: &mut Chance, key: &str, upstream: &str) -> Vec<u8> {
    let paths: Vec<&str> = api::ROUTES
        .iter()
        .map(|route| route.path)
        .chain(api::admin::ROUTES.iter().map(|route| route.path))
        .chain(GATEWAY.into_iter().map(|(_, path)| path))
        .chain(["/", "/healthz", "/v2/x", "/v1", "/v1/", "//", "/v1/../etc/passwd", "*"])
        .collect();
    let mut path = chance.one_of(&paths).to_owned();
    let pieces = [
        "%",
        "%zz",
        "%00",
        "%ff%fe",
        "%2e%2e%2f",
        "..",
        "?",
        "&",
        "=",
        "limit=-1",
        "cursor=%ff",
        "#",
        "[",
        "\\",
        "é",
    ];
    for _ in 0..chance.below(5).saturating_sub(2) {
        path += chance.one_of(&pieces);
    }
    if chance.below(20) == 0 {
        path += &"a".repeat(chance.below(40_000));
    }
    let verb = chance
        .one_of(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW", "get", "CONNECT"]);
    let body = any_body(chance);
    let mut head = format!("{verb} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n").into_bytes();
    for (name, value) in any_headers(chance, key, upstream) {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(&value);
        head.extend_from_slice(b"\r\n");
    }
    match chance.below(24) {
        0 => {}
        1 => head.extend_from_slice(b"content-length: -1\r\n"),
        2 => head.extend_from_slice(b"content-length: 5\r\ntransfer-encoding: chunked\r\n"),
        _ => head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes()),
    }
    [head.as_slice(), b"\r\n", &body].concat()
}

fn any_headers(chance: &mut Chance, key: &str, upstream: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut headers: Vec<(&'static str, Vec<u8>)> = Vec::new();
    if chance.below(10) > 0 {
        headers.push(("x-portkey-api-key", key.into()));
    }
    match chance.below(4) {
        0 => {}
        1 => headers
            .extend([("x-portkey-provider", b"openai".to_vec()), ("x-portkey-custom-host", upstream.into())]),
        _ => headers.push(("x-portkey-provider", b"echo".to_vec())),
    }
    let types =
        ["application/json", "application/json; charset=\"", "text/plain", "multipart/form-data", ";", ""];
    if chance.below(8) > 0 {
        headers.push(("content-type", chance.one_of(&types).into()));
    }
    let names = [
        "x-portkey-metadata",
        "x-portkey-trace-id",
        "x-portkey-debug",
        "x-portkey-request-timeout",
        "x-portkey-forward-headers",
        "x-portkey-sensitive-headers",
        "x-portkey-virtual-key",
        "x-portkey-custom-host",
        "x-portkey-config",
        "x-portkey-span-id",
        "authorization",
        "traceparent",
        "accept-encoding",
        "content-encoding",
        "expect",
        "range",
    ];
    for _ in 0..chance.below(6).saturating_sub(3) {
        let value = match chance.below(9) {
            8 => b"a\0b".to_vec(),
            0 => b"\xff\xfe\x80".to_vec(),
            1 => b"\t a\tb".to_vec(),
            2 => vec![b'9'; 40],
            3 => b"{\"_user\":\"\\u0000\"}".to_vec(),
            4 => vec![b'a'; chance.below(9000)],
            5 => b"gzip".to_vec(),
            6 => b"00-00000000000000000000000000000000-0000000000000000-01".to_vec(),
            _ => Vec::new(),
        };
        headers.push((chance.one_of(&names), value));
    }
    headers
}

fn any_body(chance: &mut Chance) -> Vec<u8> {
    let whole = chat("hi").to_string();
    match chance.below(14) {
        0 => Vec::new(),
        1 => "[".repeat(100_000).into_bytes(),
        2 => "{\"a\":".repeat(20_000).into_bytes(),
        3 => {
            let length = chance.below(2000);
            chance.bytes(length)
        }
        4 => b"{\"model\":\"\\ud800\",\"messages\":[]}".to_vec(),
        5 => format!("{{\"model\":\"m\",\"n\":{},\"messages\":[]}}", "9".repeat(400)).into_bytes(),
        6 => b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u0000\"}]}".to_vec(),
        7 => b"{\"messages\":[],\"messages\":[],\"stream\":null}".to_vec(),
        8 => whole.as_bytes()[..chance.below(whole.len())].to_vec(),
        9 => {
            let mut flipped = whole.into_bytes();
            let at = chance.below(flipped.len());
            flipped[at] = chance.next().to_le_bytes()[0];
            flipped
        }
        10 => {
            json!({"request": {"url": "/\u{0}", "body": 1e308}, "response": {"body": []}}).to_string().into()
        }
        11 => json!({"name": "\u{202e}x", "scopes": ["logs.list"], "provider": "echo"}).to_string().into(),
        12 => json!({"model": "m", "stream": true, "input": vec![0; 5000], "prompt": vec!["a"; 100],
                     "messages": [{"role": "user", "content": "x ".repeat(3000)}]})
        .to_string()
        .into(),
        _ => whole.into_bytes(),
    }
}
