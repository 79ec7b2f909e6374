#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use clock::{Clock, Ids};
use providers::Endpoint;
use spool::{Drain, Options};

use super::*;
use crate::{Outcome, Routing, Source, Trace};

const SECRET: &str = "the content";

/// A call whose request, answer and headers hold [`SECRET`].
fn record(payload: Payload, measured: Option<Measured>) -> Record {
    let ids = Ids::new(Clock::system());
    let answer = format!("{{\"model\":\"m\",\"choices\":[{{\"message\":{{\"content\":\"{SECRET}\"}}}}]}}");
    let message = |body: String| Message {
        headers: vec![("x-header".to_owned(), SECRET.to_owned())],
        body: Bytes::from(body),
    };
    Record {
        id: ids.log_id(),
        organisation_id: ids.fresh(),
        workspace_id: ids.fresh(),
        api_key_id: None,
        retention_class: 3,
        source: Source::Gateway,
        external_id: None,
        endpoint: Endpoint::ChatCompletions,
        method: "POST".to_owned(),
        url: "/v1/chat/completions".to_owned(),
        provider: "openai".to_owned(),
        requested_model: Some("m".to_owned()),
        virtual_key: None,
        metadata: std::collections::BTreeMap::new(),
        trace: Trace::default(),
        routing: Routing::default(),
        status: 200,
        outcome: Outcome::Answered,
        streamed: false,
        latency_us: 1,
        first_byte_us: None,
        payload,
        measured,
        given_cost_pusd: None,
        request: message(format!("{{\"messages\":[{{\"role\":\"user\",\"content\":\"{SECRET}\"}}]}}")),
        response: message(answer),
    }
}

/// Records it in a spool of this size; gives the spool's bytes and what a shipper reads.
async fn spooled(record: Record, max_bytes: u64, fill: usize) -> (Vec<u8>, Record) {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut drain): (Spool, Drain) = spool::open(Options::new(dir.path(), max_bytes)).unwrap();
    if fill > 0 {
        spool.append(vec![0; fill]).await.unwrap();
    }
    let recorder = Recorder::new(spool.clone(), Unrecorded::default());
    recorder.record(record).await.unwrap();
    let mut records = Vec::new();
    while let Some(batch) = drain.try_next(10, 1 << 20).unwrap() {
        drain.forget(&batch).unwrap();
        records.extend(batch.records);
    }
    let bytes = records.pop().unwrap();
    spool.close().await;
    (bytes.to_vec(), rmp_serde::from_slice(&bytes).unwrap())
}

fn holds_content(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

#[tokio::test]
async fn under_do_not_track_no_content_reaches_the_spool_and_its_measures_do() {
    let measured = Measured { model: Some("told".to_owned()), usage: None };
    for known in [None, Some(measured)] {
        let (bytes, record) = spooled(record(Payload::Withheld, known.clone()), 1 << 20, 0).await;
        assert!(!holds_content(&bytes), "measured before: {known:?}");
        let measured = record.measured.unwrap();
        assert_eq!(measured.model.as_deref(), Some(if known.is_some() { "told" } else { "m" }));
        assert_eq!(measured.usage.is_some(), known.is_none(), "tokens are counted before the content goes");
    }
}

#[tokio::test]
async fn a_tracked_call_reaches_the_spool_whole() {
    let whole = record(Payload::Whole, None);
    let (bytes, read) = spooled(whole.clone(), 1 << 20, 0).await;
    assert!(holds_content(&bytes));
    assert_eq!(read, whole);
}

#[tokio::test]
async fn a_nearly_full_spool_takes_statistics_only() {
    let (bytes, record) = spooled(record(Payload::Whole, None), 100 << 10, 90 << 10).await;
    assert!(!holds_content(&bytes));
    assert_eq!(record.payload, Payload::Shed);
    assert_eq!(record.measured.unwrap().model.as_deref(), Some("m"));
}
