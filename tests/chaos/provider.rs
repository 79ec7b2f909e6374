//! A provider that sends garbage, never answers, or answers a hundred megabytes.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use redis_server::RedisServer;
use sea_orm::EntityTrait as _;
use uuid::Uuid;

use super::{Chaos, size};
use crate::harness::{Chance, Exchange, Fleet, Tenant, Upstream, chat, delta, log_id};

/// How the provider misbehaves; what its caller gets, none: an answer that is cut; and what the log says.
type Case = (&'static str, Misbehave, Option<u16>, &'static str);

#[derive(Clone, Copy)]
enum Misbehave {
    Garbage,
    Silence,
    HeadThenSilence,
    EndlessHead,
    NoSuchStatus,
    GarbageForChunks,
    GarbageForGzip,
    GarbageForEvents,
    GarbageForJson,
    Dies,
}

const CASES: [Case; 10] = [
    ("garbage for a head", Misbehave::Garbage, Some(500), "upstream_failed"),
    ("no answer", Misbehave::Silence, Some(408), "timed_out"),
    ("a head, and no more", Misbehave::HeadThenSilence, None, "timed_out"),
    ("a head without an end", Misbehave::EndlessHead, Some(500), "upstream_failed"),
    ("a status that is none", Misbehave::NoSuchStatus, Some(500), "upstream_failed"),
    ("garbage for chunks", Misbehave::GarbageForChunks, None, "upstream_cut"),
    ("garbage for gzip", Misbehave::GarbageForGzip, None, "upstream_cut"),
    // What can be passed on is passed on as it is.
    ("garbage for events", Misbehave::GarbageForEvents, Some(200), "answered"),
    ("garbage for JSON", Misbehave::GarbageForJson, Some(200), "answered"),
    ("an end in the middle", Misbehave::Dies, None, "upstream_cut"),
];

const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n";

async fn misbehave(mut exchange: Exchange, how: Misbehave, garbage: &[u8]) {
    match how {
        Misbehave::Garbage => exchange.raw(garbage).await,
        Misbehave::Silence => return exchange.given_up().await,
        Misbehave::HeadThenSilence => {
            exchange.head(200, &[("content-type", "application/json"), ("content-length", "100")]).await;
            exchange.send("{").await;
            return exchange.given_up().await;
        }
        Misbehave::EndlessHead => {
            exchange.raw(b"HTTP/1.1 200 OK\r\nx-endless: ").await;
            exchange.raw("x".repeat(1 << 20).as_bytes()).await;
        }
        Misbehave::NoSuchStatus => exchange.raw(b"HTTP/1.1 42 OK\r\ncontent-length: 0\r\n\r\n").await,
        Misbehave::GarbageForChunks => {
            exchange.raw(&[CHUNKED, b"\r\n1\r\n{\r\nzz", garbage].concat()).await;
        }
        Misbehave::GarbageForGzip => {
            exchange.head(200, &[("content-type", "application/json"), ("content-encoding", "gzip")]).await;
            exchange.send(["zz".as_bytes(), garbage].concat()).await;
            return exchange.end().await;
        }
        Misbehave::GarbageForEvents => {
            exchange.event_stream().await;
            exchange.send(garbage).await;
            return exchange.end().await;
        }
        Misbehave::GarbageForJson => {
            exchange.head(200, &[("content-type", "application/json")]).await;
            exchange.send(garbage).await;
            return exchange.end().await;
        }
        Misbehave::Dies => {
            exchange.event_stream().await;
            exchange.send(delta("word")).await;
        }
    }
    exchange.die();
}

/// What the caller got of an answer.
struct Got {
    status: u16,
    id: String,
    bytes: usize,
    is_whole: bool,
}

async fn call(addr: std::net::SocketAddr, tenant: Tenant, url: String) -> Got {
    let request = reqwest::Client::new().post(format!("http://{addr}/v1/chat/completions"));
    let request = request
        .header("x-portkey-api-key", &tenant.key)
        .header("x-portkey-provider", "openai")
        .header("x-portkey-custom-host", url)
        .header("x-portkey-request-timeout", "500");
    let mut response = request.json(&chat("hi")).send().await.unwrap();
    let (status, id) = (response.status().as_u16(), log_id(&response));
    let mut bytes = 0;
    let is_whole = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes += chunk.len(),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    Got { status, id, bytes, is_whole }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_provider_sends_its_caller_is_told_and_there_is_one_log() {
    let mut chaos = Chaos::begin("garbage");
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(1, &redis, &[("TURNPIKE_GATEWAY__STREAM_IDLE_TIMEOUT_MS", "300")]);
    let tenant = fleet.org("enterprise");
    let mut upstream = Upstream::start().await;
    let mut made = Vec::new();
    for (name, how, status, outcome) in (0..size(1, 20)).flat_map(|_| CASES).collect::<Vec<Case>>() {
        let calling = tokio::spawn(call(fleet.addrs()[0], tenant.clone(), upstream.url()));
        let garbage = garbage(&mut chaos.chance);
        misbehave(upstream.asked().await, how, &garbage).await;
        let got = calling.await.unwrap();
        match status {
            Some(status) => assert_eq!((got.status, got.is_whole), (status, true), "{name}"),
            None => assert!(!got.is_whole, "{name}: {} of {} bytes", got.status, got.bytes),
        }
        made.push((got.id, name, outcome));
    }
    fleet.caught_up(&tenant, made.len()).await;
    fleet.stop();
    let db = fleet.database().await;
    for (id, name, outcome) in &made {
        let log = entity::log::Entity::find_by_id(id.parse::<Uuid>().unwrap()).one(&db).await.unwrap();
        assert_eq!(log.unwrap().outcome, *outcome, "{name}");
    }
    db.close().await.unwrap();
    assert_eq!(fleet.reconcile()["logs"], made.len());
    chaos.tell(format_args!("over: {} calls to a provider gone mad, {} logs", made.len(), made.len()));
}

/// Bytes that begin no line of an event and no head.
fn garbage(chance: &mut Chance) -> Vec<u8> {
    let length = 1 + chance.below(20_000);
    [b"\xff\x00", &*chance.bytes(length)].concat()
}

/// A long answer.
#[derive(Clone, Copy, Debug)]
enum Long {
    OfKnownLength,
    InChunks,
    InEvents,
    InOneEvent,
    Gzip,
    /// A few bytes that expand to all.
    Zstd,
}

const LONG: [Long; 6] =
    [Long::OfKnownLength, Long::InChunks, Long::InEvents, Long::InOneEvent, Long::Gzip, Long::Zstd];

const PIECE_BYTES: usize = 64 << 10;

async fn answer_long(mut exchange: Exchange, how: Long, pieces: usize) {
    let piece = "x".repeat(PIECE_BYTES);
    let json = ("content-type", "application/json");
    match how {
        Long::OfKnownLength => {
            let length = (pieces * PIECE_BYTES).to_string();
            exchange.head(200, &[json, ("content-length", &length)]).await;
            for _ in 0..pieces {
                exchange.send(&piece).await;
            }
            return exchange.whole();
        }
        Long::InChunks => exchange.head(200, &[json]).await,
        Long::InEvents | Long::InOneEvent => exchange.event_stream().await,
        Long::Gzip => exchange.head(200, &[json, ("content-encoding", "gzip")]).await,
        Long::Zstd => {
            exchange.head(200, &[json, ("content-encoding", "zstd")]).await;
            exchange.send(zstd::encode_all(piece.repeat(pieces).as_bytes(), 1).unwrap()).await;
            return exchange.end().await;
        }
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..pieces {
        match how {
            Long::InEvents => exchange.send(delta(&piece)).await,
            Long::Gzip => {
                gzip.write_all(piece.as_bytes()).unwrap();
                let packed = std::mem::take(gzip.get_mut());
                // An empty chunk would be the last one.
                if !packed.is_empty() {
                    exchange.send(packed).await;
                }
            }
            _ => exchange.send(&piece).await,
        }
    }
    if let Long::Gzip = how {
        exchange.send(gzip.finish().unwrap()).await;
    }
    exchange.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_any_length_passes_in_little_memory() {
    let chaos = Chaos::begin("long");
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(1, &redis, &[]);
    let tenant = fleet.org("enterprise");
    let mut upstream = Upstream::start().await;
    let megabytes = size(24, 100);
    let pieces = megabytes * (1 << 20) / PIECE_BYTES;
    let mut calls = 0;
    let mut before = 0;
    // First what is a little longer than what is kept of it, so that all there is to set up is.
    for pieces in [32, pieces] {
        before = fleet.process(0).peak_memory();
        for how in LONG {
            let calling = tokio::spawn(call(fleet.addrs()[0], tenant.clone(), upstream.url()));
            answer_long(upstream.asked().await, how, pieces).await;
            let got = calling.await.unwrap();
            assert!(got.status == 200 && got.is_whole, "{how:?}: {} bytes", got.bytes);
            assert!(got.bytes >= pieces * PIECE_BYTES, "{how:?}: {} bytes", got.bytes);
            calls += 1;
        }
        fleet.caught_up(&tenant, calls).await;
    }
    let grown = fleet.process(0).peak_memory() - before;
    fleet.stop();
    assert_eq!(fleet.reconcile()["logs"], calls);
    chaos.tell(format_args!(
        "over: {calls} calls, answers of {megabytes} MiB each; memory grew by {} MiB at the most",
        grown >> 20
    ));
    let bound = megabytes << 19;
    assert!(grown < bound, "memory grew by {grown} bytes with answers of {megabytes} MiB");
}
