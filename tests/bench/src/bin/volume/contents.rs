//! What calls say: made up, and packed as the shipper packs it.

use std::time::{Duration, Instant};

use logstore::content::Content;
use logstore::{Headers, Packer};

use crate::logs::rare;
use crate::text::Text;

/// Contents to take from: making each row's own would measure the making.
const CONTENTS: usize = 1_000;

/// Packed contents, each of a request of 1 KB and a response of 1.2 KB with the usual headers. Says what packing costs.
pub fn contents() -> anyhow::Result<Vec<Vec<u8>>> {
    let mut text = Text { state: 0x7475_726e_7069_6b65 };
    let sides: Vec<_> =
        (0..CONTENTS).map(|n| (request(&mut text, n % 100 == 0), response(&mut text))).collect();
    let mut packer = Packer::new()?;
    let begun = Instant::now();
    let frames: Result<Vec<_>, _> = sides.iter().map(|(asked, given)| packer.pack(asked, given)).collect();
    let (frames, took) = (frames?, begun.elapsed());
    let size = |side: &Content| {
        side.body.len() + side.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    };
    let plain: usize = sides.iter().map(|(request, response)| size(request) + size(response)).sum();
    let small: usize = frames.iter().map(Vec::len).sum();
    println!("packing: {} bytes to {}, {:.1} µs each", plain / CONTENTS, small / CONTENTS, micros(took));
    Ok(frames)
}

fn request(text: &mut Text, is_rare: bool) -> Content {
    let word = if is_rare { rare::WORD } else { "" };
    let body = serde_json::json!({
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. Answer in short, exact sentences."},
            {"role": "user", "content": format!("{}{word}", text.of(860))},
        ],
    });
    let headers = [
        ("host", "gateway.example.com".to_owned()),
        ("user-agent", "OpenAI/Python 1.109.1".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("content-length", "1041".to_owned()),
        ("accept", "application/json".to_owned()),
        ("accept-encoding", "gzip, deflate".to_owned()),
        ("authorization", "Bearer ***".to_owned()),
        ("x-portkey-provider", "openai".to_owned()),
        ("x-stainless-lang", "python".to_owned()),
        ("x-stainless-runtime", "CPython".to_owned()),
        ("x-stainless-runtime-version", "3.12.7".to_owned()),
    ];
    Content { headers: headers.into_iter().collect::<Headers>(), body: body.to_string().into() }
}

fn response(text: &mut Text) -> Content {
    let body = serde_json::json!({
        "id": format!("chatcmpl-{:016x}{:08x}", text.next(), text.next() as u32),
        "object": "chat.completion",
        "created": 1_795_392_000 + text.next() % 100_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text.of(760), "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 211, "completion_tokens": 187, "total_tokens": 398,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        },
        "system_fingerprint": format!("fp_{:010x}", text.next() >> 24),
    });
    let headers = [
        ("date", "Mon, 23 Nov 2026 00:00:00 GMT".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("openai-processing-ms", (text.next() % 3_000).to_string()),
        ("openai-version", "2020-10-01".to_owned()),
        ("x-ratelimit-limit-requests", "10000".to_owned()),
        ("x-ratelimit-remaining-requests", (text.next() % 10_000).to_string()),
        ("x-request-id", format!("req_{:016x}{:016x}", text.next(), text.next())),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload".to_owned()),
        ("server", "cloudflare".to_owned()),
        ("cf-ray", format!("{:016x}-FRA", text.next())),
    ];
    Content { headers: headers.into_iter().collect::<Headers>(), body: body.to_string().into() }
}

fn micros(all: Duration) -> f64 {
    all.as_secs_f64() * 1e6 / CONTENTS as f64
}
