#![expect(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use spool::{Drain, Options};

use super::*;
use crate::testing::{SECRET, record};

/// Records it in a spool of this size; gives the spool's bytes and what a shipper reads.
async fn spooled(record: Record, max_bytes: u64, fill: usize) -> (Vec<u8>, Record) {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut drain): (Spool, Drain) = spool::open(Options::new(dir.path(), max_bytes)).unwrap();
    if fill > 0 {
        spool.append(vec![0; fill]).await.unwrap();
    }
    let recorder = Recorder::new(spool.clone(), Unrecorded::default());
    recorder.record(record).await.unwrap();
    let bytes = drained(&mut drain).pop().unwrap();
    spool.close().await;
    (bytes.to_vec(), rmp_serde::from_slice(&bytes).unwrap())
}

fn drained(drain: &mut Drain) -> Vec<Bytes> {
    let mut records = Vec::new();
    while let Some(batch) = drain.try_next(10, 1 << 20).unwrap() {
        drain.forget(&batch).unwrap();
        records.extend(batch.records);
    }
    records
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

#[tokio::test]
async fn a_record_too_long_for_the_spool_goes_without_its_content() {
    let mut long = record(Payload::Whole, None);
    long.request.body = vec![b'x'; MAX_RECORD_BYTES - 500].into();
    let (bytes, read) = spooled(long.clone(), 1 << 30, 0).await;
    assert!(bytes.len() < 2000);
    assert_eq!((read.id, read.payload, read.request), (long.id, Payload::Shed, Message::default()));
}

#[tokio::test]
async fn whatever_keeps_a_record_out_of_the_spool_it_is_counted_awaited_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut drain) = spool::open(Options::new(dir.path(), 1 << 20)).unwrap();
    let unrecorded = Unrecorded::default();
    let recorder = Recorder::new(spool.clone(), unrecorded.clone());
    let mut too_long = record(Payload::Whole, None);
    too_long.url = "x".repeat(MAX_RECORD_BYTES);
    let error = recorder.record(too_long).await.unwrap_err();
    assert!(matches!(error, Error::Spool(AppendError::TooLarge { .. })), "{error}");
    assert_eq!(unrecorded.total(), 1);

    spool.close().await;
    let error = recorder.record(record(Payload::Whole, None)).await.unwrap_err();
    assert!(matches!(error, Error::Spool(AppendError::Closed)), "{error}");
    assert_eq!(unrecorded.total(), 2);
    drop(recorder.record(record(Payload::Whole, None)));
    drop(recorder.record(record(Payload::Withheld, None)));
    recorder.idle().await;
    assert_eq!(unrecorded.total(), 4);
    assert!(drained(&mut drain).is_empty());
}

#[tokio::test]
async fn idle_waits_for_open_calls_and_for_what_is_measured_though_nobody_else_does() {
    let dir = tempfile::tempdir().unwrap();
    let (spool, mut drain) = spool::open(Options::new(dir.path(), 1 << 20)).unwrap();
    let recorder = Recorder::new(spool, Unrecorded::default());
    let call = recorder.open_call();
    let mut idle = std::pin::pin!(recorder.idle());
    let idle_now = tokio::select! {
        biased;
        () = &mut idle => true,
        () = std::future::ready(()) => false,
    };
    assert!(!idle_now, "a call is open");
    drop(recorder.record(record(Payload::Withheld, None)));
    drop(call);
    idle.await;
    assert_eq!(drained(&mut drain).len(), 1);
}
