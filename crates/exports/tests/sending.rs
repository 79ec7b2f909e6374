//! Batches to a receiver in this process, over each protocol.

#![expect(clippy::unwrap_used, reason = "tests")]

#[path = "../../../tests/harness/collector.rs"]
#[expect(dead_code, reason = "what the integration suite asks of it is not asked here")]
mod collector;

use std::collections::BTreeMap;
use std::time::Duration;

use clock::Clock;
use collector::{Collector, Reply};
use egress::Reach;
use exports::{Accepted, Destination, Filters, Flavour, Protocol, Sender};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{
    Histogram, HistogramDataPoint, Metric, ResourceMetrics, ScopeMetrics, metric::Data,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use secrecy::SecretString;
use uuid::Uuid;

const PROTOCOLS: [Protocol; 3] = [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc];

fn destination(endpoint: &str, protocol: Protocol) -> Destination {
    Destination {
        id: Uuid::nil(),
        organisation_id: Uuid::nil(),
        endpoint: endpoint.parse().unwrap(),
        protocol,
        headers: vec![("x-api-key".to_owned(), SecretString::from("let me in"))],
        filters: Filters::default(),
        content: false,
        metrics: true,
        resource: BTreeMap::new(),
        flavour: Flavour::GenAi,
    }
}

fn sender() -> Sender {
    Sender::new(Reach::Loopback, Clock::system())
}

fn spans() -> ExportTraceServiceRequest {
    let value = Some(AnyValue { value: Some(Value::IntValue(i64::MAX)) });
    let attributes = vec![KeyValue { key: "n".to_owned(), value, ..KeyValue::default() }];
    let span = Span {
        trace_id: (0..16).collect(),
        span_id: vec![255; 8],
        name: "POST /v1/chat/completions".to_owned(),
        kind: 2,
        start_time_unix_nano: 1_764_000_000_000_000_001,
        end_time_unix_nano: u64::MAX,
        attributes,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
    }
}

fn metrics() -> ExportMetricsServiceRequest {
    let point = HistogramDataPoint {
        count: 3,
        sum: Some(0.75),
        bucket_counts: vec![1, 2],
        explicit_bounds: vec![0.5],
        ..HistogramDataPoint::default()
    };
    let histogram = Histogram { data_points: vec![point], aggregation_temporality: 1 };
    let data = Some(Data::Histogram(histogram));
    let metric = Metric { name: "m".to_owned(), data, ..Metric::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

fn collector(protocol: Protocol) -> Collector {
    Collector::start(protocol.as_str())
}

#[actix_web::test]
async fn a_batch_comes_as_it_was_sent_with_the_destinations_headers() {
    let sender = sender();
    for protocol in PROTOCOLS {
        let collector = collector(protocol);
        let to = destination(&collector.url, protocol);
        assert_eq!(sender.traces(&to, &spans()).await, Ok(Accepted::default()), "{protocol:?}");
        assert_eq!(sender.metrics(&to, &metrics()).await, Ok(Accepted::default()), "{protocol:?}");
        assert_eq!(collector.spans(), spans().resource_spans[0].scope_spans[0].spans, "{protocol:?}");
        assert_eq!(
            collector.metrics(),
            metrics().resource_metrics[0].scope_metrics[0].metrics,
            "{protocol:?}"
        );
        for headers in collector.asked() {
            let has = |name: &str, value: &str| headers.contains(&(name.to_owned(), value.to_owned()));
            assert!(has("x-api-key", "let me in"), "{protocol:?} {headers:?}");
            assert!(
                has("content-encoding", "gzip") || has("grpc-encoding", "gzip"),
                "{protocol:?} {headers:?}"
            );
        }
    }
}

#[actix_web::test]
async fn what_is_refused_of_a_batch_is_told_and_is_no_failure() {
    let sender = sender();
    for protocol in PROTOCOLS {
        let collector = collector(protocol);
        let to = destination(&collector.url, protocol);
        collector.reply(Reply::Partly(1, "too  old\n".to_owned()));
        let expected = Accepted { rejected: 1, message: Some("too old".to_owned()) };
        assert_eq!(sender.traces(&to, &spans()).await, Ok(expected.clone()), "{protocol:?}");
        assert_eq!(sender.metrics(&to, &metrics()).await, Ok(expected), "{protocol:?}");
        collector.reply(Reply::Partly(0, "please batch".to_owned()));
        let expected = Accepted { rejected: 0, message: Some("please batch".to_owned()) };
        assert_eq!(sender.traces(&to, &spans()).await, Ok(expected), "{protocol:?}");
    }
}

#[actix_web::test]
async fn a_refusal_says_whether_and_when_to_come_back() {
    // Status, after how many seconds; whether to come back.
    let http = [
        (400, None, false),
        (401, None, true),
        (403, None, true),
        (404, None, false),
        (413, None, false),
        (500, None, false),
        (429, Some(7), true),
        (502, None, true),
        (503, Some(120), true),
        (504, None, true),
    ];
    // By number: invalid argument 3, permission denied 7, unimplemented 12, internal 13, unauthenticated 16; cancelled 1,
    // deadline exceeded 4, aborted 10, out of range 11, unavailable 14, data loss 15; resource exhausted 8.
    let grpc = [
        (3, None, false),
        (7, None, true),
        (12, None, false),
        (13, None, false),
        (16, None, true),
        (1, None, true),
        (4, None, true),
        (10, None, true),
        (11, None, true),
        (14, Some(7), true),
        (15, None, true),
        (8, None, false),
        (8, Some(120), true),
    ];
    let sender = sender();
    for protocol in PROTOCOLS {
        let collector = collector(protocol);
        let to = destination(&collector.url, protocol);
        let cases = if protocol == Protocol::Grpc { &grpc[..] } else { &http[..] };
        for (status, after, retryable) in cases {
            collector.reply(Reply::Refused(*status, format!("not {}", "so ".repeat(400)), *after));
            let error = sender.traces(&to, &spans()).await.unwrap_err();
            let case = format!("{protocol:?} {status} {error:?}");
            assert_eq!(error.retryable, *retryable, "{case}");
            assert_eq!(error.retry_after, after.map(Duration::from_secs), "{case}");
            assert!(
                error.message.starts_with("answered ") && error.message.contains(": not so so"),
                "{case}"
            );
            assert!(error.message.len() < 600, "{case}");
            assert_eq!(sender.metrics(&to, &metrics()).await.unwrap_err(), error);
        }
        assert!(collector.spans().is_empty());
        collector.reply(Reply::Taken);
        assert!(sender.traces(&to, &spans()).await.is_ok(), "{protocol:?}");
    }
}

#[actix_web::test]
async fn an_endpoint_is_a_base_or_names_its_signal() {
    let collector = collector(Protocol::HttpJson);
    let sender = sender();
    for path in ["", "/", "/v1/traces", "/v1/traces/", "/v1/metrics"] {
        let to = destination(&format!("{}{path}", collector.url), Protocol::HttpJson);
        assert_eq!(sender.traces(&to, &spans()).await, Ok(Accepted::default()), "{path:?}");
        assert_eq!(sender.metrics(&to, &metrics()).await, Ok(Accepted::default()), "{path:?}");
    }
    let to = destination(&format!("{}/elsewhere", collector.url), Protocol::HttpJson);
    let refused = sender.traces(&to, &spans()).await.unwrap_err();
    assert_eq!((refused.retryable, refused.message.as_str()), (false, "answered 404"));
}

#[actix_web::test]
async fn nobody_there_is_a_reason_to_come_back_and_a_place_out_of_reach_is_none() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for protocol in PROTOCOLS {
        let error = sender().traces(&destination(&url, protocol), &spans()).await.unwrap_err();
        let told = (error.retryable, error.message.as_str());
        assert_eq!(told, (true, "no connection could be made"), "{protocol:?}");

        let strict = Sender::new(Reach::Public, Clock::system());
        for (url, retryable, message) in [
            ("http://127.0.0.1:4318", false, "the endpoint is not one that this server may connect to"),
            ("http://169.254.169.254/", false, "the endpoint is not one that this server may connect to"),
            ("http://api.example.com/", false, "the endpoint is not one that this server may connect to"),
        ] {
            let error = strict.traces(&destination(url, protocol), &spans()).await.unwrap_err();
            assert_eq!((error.retryable, error.message.as_str()), (retryable, message), "{protocol:?} {url}");
        }
    }
}

#[actix_web::test]
async fn a_header_that_is_ours_is_not_sent() {
    let collector = collector(Protocol::HttpProtobuf);
    let mut to = destination(&collector.url, Protocol::HttpProtobuf);
    to.headers = vec![("Host".to_owned(), SecretString::from("elsewhere"))];
    let error = sender().traces(&to, &spans()).await.unwrap_err();
    assert_eq!(
        (error.retryable, error.message.as_str()),
        (false, "the header Host is set by this server itself")
    );
    assert!(collector.asked().is_empty());
}
