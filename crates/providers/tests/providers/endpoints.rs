use http::Method;
use providers::Endpoint;

#[test]
fn each_route_is_its_endpoint() {
    let table = include_str!("../cases/endpoints.txt");
    let mut seen = vec![Endpoint::Proxy, Endpoint::Span];
    for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let [method, path, name] = line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
        let method: Method = method.parse().unwrap();
        assert_eq!(Endpoint::of(&method, path).name(), name, "{line}");
        if name != "proxy" {
            let bare = path.strip_prefix("/v1").unwrap();
            assert_eq!(Endpoint::of(&method, bare).name(), name, "{line}, without /v1");
        }
        seen.push(Endpoint::from_name(name).unwrap());
    }
    assert!(Endpoint::ALL.iter().all(|endpoint| seen.contains(endpoint)), "the table has every endpoint");
}

#[test]
fn an_endpoint_is_its_name_in_json() {
    for endpoint in Endpoint::ALL {
        assert_eq!(Endpoint::from_name(endpoint.name()), Some(endpoint));
        let json = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(json, format!("\"{}\"", endpoint.name()));
        assert_eq!(serde_json::from_str::<Endpoint>(&json).unwrap(), endpoint);
    }
    assert!(serde_json::from_str::<Endpoint>("\"nothing\"").is_err());
}
