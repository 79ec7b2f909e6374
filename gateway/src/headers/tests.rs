#![expect(clippy::unwrap_used, reason = "tests")]

use actix_web::test::TestRequest;

use super::*;

/// The names that go upstream of these headers.
fn passed(endpoint: Endpoint, forward: &[&str], pairs: &[(&str, &str)]) -> Vec<String> {
    let mut client = actix::HeaderMap::new();
    for (name, value) in pairs {
        let name = actix::HeaderName::from_bytes(name.as_bytes()).unwrap();
        client.append(name, actix::HeaderValue::from_str(value).unwrap());
    }
    let forward: Vec<String> = forward.iter().map(ToString::to_string).collect();
    let mut request = Request::post("/").body(()).unwrap();
    pass_up(&client, endpoint, &forward, &mut request);
    let own = [header::USER_AGENT, header::ACCEPT_ENCODING];
    let names = request.headers().keys().filter(|name| !own.contains(name));
    let mut names: Vec<String> = names.map(|name| name.as_str().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_goes_upstream_is_what_the_endpoint_takes_and_what_is_named() {
    let plain = [("content-type", "application/json"), ("x-mine", "1"), ("authorization", "Bearer sk")];
    assert_eq!(passed(Endpoint::ChatCompletions, &[], &plain), ["content-type"]);
    assert_eq!(passed(Endpoint::ChatCompletions, &["x-mine"], &plain), ["content-type", "x-mine"]);
    assert_eq!(passed(Endpoint::Proxy, &[], &plain), ["content-type", "x-mine"]);
    let named = passed(Endpoint::Proxy, &["authorization"], &plain);
    assert_eq!(named, ["authorization", "content-type", "x-mine"]);
    let twin = [("x-portkey-openai-organization", "org-1")];
    assert_eq!(passed(Endpoint::ChatCompletions, &[], &twin), ["openai-organization"]);
}

#[test]
fn naming_a_header_does_not_make_it_pass_where_it_must_not() {
    for (name, value) in [
        ("host", "inner.example"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("te", "trailers"),
        ("expect", "100-continue"),
        ("accept-encoding", "gzip"),
        ("x-portkey-api-key", "tpk_1"),
        ("authorization", "Bearer tpk_1"),
        ("x-api-key", "tpk_1"),
    ] {
        for endpoint in [Endpoint::Proxy, Endpoint::ChatCompletions] {
            assert!(passed(endpoint, &[name], &[(name, value)]).is_empty(), "{name}: {value}");
        }
    }
}

#[test]
fn what_connection_names_stays_on_the_connection() {
    let headers = [("connection", "Keep-Alive, X-Hop"), ("x-hop", "1"), ("x-far", "1")];
    assert_eq!(passed(Endpoint::Proxy, &[], &headers), ["x-far"]);
    assert_eq!(passed(Endpoint::Proxy, &["x-hop"], &headers), ["x-far"]);
}

#[test]
fn a_config_is_masked_and_the_name_of_a_saved_one_is_not() {
    for (value, masked) in
        [("{\"api_key\":\"sk-1\"}", true), (" {}", true), ("pc-prod-1a2b", false), ("sk.1", true)]
    {
        let block = shown([("x-portkey-config", value.as_bytes())].into_iter(), &[]);
        let expected = if masked { MASK } else { value };
        assert_eq!(block.iter().collect::<Vec<_>>(), [("x-portkey-config", expected)]);
    }
}

#[test]
fn credentials_are_masked_in_the_log_whatever_they_are_called() {
    for (name, masked) in [
        ("authorization", true),
        ("x-portkey-api-key", true),
        ("x-api-key", true),
        ("x-portkey-azure-ad-token", true),
        ("x-portkey-azure-entra-client-secret", true),
        ("x-portkey-aws-secret-access-key", true),
        ("x-portkey-aws-access-key-id", true),
        ("x-portkey-aws-session-token", true),
        ("x-portkey-vertex-service-account-json", true),
        ("x-portkey-oracle-private-key", true),
        ("x-portkey-oracle-key-passphrase", true),
        ("x-amz-security-token", true),
        ("ocp-apim-subscription-key", true),
        ("set-cookie", true),
        ("x-ratelimit-remaining-tokens", false),
        ("content-type", false),
        ("x-portkey-trace-id", false),
        ("x-named", true),
    ] {
        let block = shown([(name, &b"value"[..])].into_iter(), &["x-named".to_owned()]);
        let value = if masked { MASK } else { "value" };
        assert_eq!(block.iter().collect::<Vec<_>>(), [(name, value)]);
    }
}

#[test]
fn what_belongs_to_upstreams_connection_does_not_come_down() {
    let mut upstream = HeaderMap::new();
    for (name, value) in [
        ("connection", "x-hop"),
        ("x-hop", "1"),
        ("content-length", "3"),
        ("content-encoding", "br"),
        ("alt-svc", "h3=\":443\""),
        ("x-request-id", "r"),
    ] {
        upstream.insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_static(value));
    }
    let names = |decoded| pass_down(&upstream, decoded).map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(true), ["x-request-id"]);
    assert_eq!(names(false), ["content-encoding", "x-request-id"]);
}

#[test]
fn a_path_counts_its_version_once() {
    for (given, expected, endpoint) in [
        ("/v1/chat/completions", "/chat/completions", Endpoint::ChatCompletions),
        ("/v1/v1/messages", "/messages", Endpoint::Messages),
        ("/v1/proxy/chat/completions", "/chat/completions", Endpoint::Proxy),
        ("/v1/proxy/v1/things", "/things", Endpoint::Proxy),
        ("/v1/v1things", "/v1things", Endpoint::Proxy),
        ("/v1/", "/", Endpoint::Proxy),
    ] {
        let request = TestRequest::post().uri(given).to_http_request();
        assert_eq!((path(&request), super::endpoint(&request)), (expected, endpoint), "{given}");
    }
}
