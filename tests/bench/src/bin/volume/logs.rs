//! Logs of calls that were never made: most alike, some of each kind that a list can be narrowed to.

use std::time::Duration;

use clap::ValueEnum;
use clock::{Clock, Ids};
use entity::log;
use logstore::{Batch, Entry};
use sea_orm::prelude::Uuid;

use crate::organisations::Organisation;
use crate::text::mixed;

/// What one log in a hundred is, each of these by itself.
pub mod rare {
    use sea_orm::prelude::Uuid;

    pub const STATUS: i16 = 429;
    pub const PROVIDER: &str = "mistral-ai";
    pub const MODEL: &str = "mistral-large-2512";
    pub const VIRTUAL_KEY: &str = "mistral-trial";
    pub const ENVIRONMENT: &str = "staging";
    /// In its prompt, of logs that have content.
    pub const WORD: &str = "kingfisher";
    pub const CACHE: &str = "HIT";
    pub const INPUT_TOKENS: i64 = 100_000;
    pub const OUTPUT_TOKENS: i64 = 10_000;
    pub const COST_PUSD: i64 = 1_000_000_000_000;
    pub const LATENCY_US: i64 = 60_000_000;
    pub const API_KEY: Uuid = Uuid::from_u128(1);
    pub const WORKSPACE: Uuid = Uuid::from_u128(2);
}

/// Where trace ids come from: made by us, or by callers, at random.
#[derive(Clone, Copy, ValueEnum)]
pub enum Traces {
    Ours,
    Callers,
}

/// Makes batches as the shipper brings them, and moves the clock by each log's share of the time.
pub struct Logs {
    pub clock: Clock,
    pub ids: Ids,
    pub segment: Uuid,
    pub contents: Vec<Vec<u8>>,
    /// Of a hundred logs so many have content.
    pub with_content: u64,
    pub traces: Traces,
    /// Between two logs.
    pub apart: Duration,
    pub made: u64,
}

impl Logs {
    pub fn batch(&mut self, rows: u64, organisations: &[Organisation]) -> Batch {
        let (start, end) = (self.made, self.made + rows);
        let entries = (start..end).map(|n| self.entry(n, organisations)).collect();
        self.made = end;
        Batch { segment: self.segment, start, end, entries, late: Vec::new() }
    }

    fn entry(&self, n: u64, organisations: &[Organisation]) -> Entry {
        self.clock.advance(self.apart);
        // Neighbours are of different organisations, and the largest has half of all.
        let organisation = &organisations[n.trailing_ones() as usize % organisations.len()];
        let log = self.log(n, organisation);
        let has_content = mixed(n) % 100 < self.with_content;
        let content = &self.contents[mixed(n) as usize % self.contents.len()];
        Entry { log, payload: has_content.then(|| content.clone()), opinions: Vec::new() }
    }

    fn log(&self, n: u64, organisation: &Organisation) -> log::Model {
        let rare = |kind: u64| mixed(n ^ mixed(kind)).is_multiple_of(100);
        let either = |kind, rare_one: &str, other: &str| if rare(kind) { rare_one } else { other }.to_owned();
        let or = |kind, rare_one: i64, other: i64| if rare(kind) { rare_one } else { other };
        log::Model {
            workspace_id: if rare(1) { rare::WORKSPACE } else { organisation.workspace },
            api_key_id: Some(if rare(2) { rare::API_KEY } else { organisation.id }),
            retention_class: organisation.class(),
            provider: either(3, rare::PROVIDER, "openai"),
            model: Some(either(4, rare::MODEL, "gpt-4o-mini-2024-07-18")),
            requested_model: Some("gpt-4o-mini".to_owned()),
            virtual_key: Some(either(5, rare::VIRTUAL_KEY, "openai-production")),
            trace_id: match self.traces {
                Traces::Ours => self.ids.trace_id(),
                Traces::Callers => self.ids.fresh().to_string(),
            },
            metadata: Some(serde_json::json!({
                "_user": format!("u-{}", mixed(n) % 10_000),
                "environment": either(6, rare::ENVIRONMENT, "production"),
            })),
            status_code: if rare(7) { rare::STATUS } else { 200 },
            input_tokens: Some(or(8, rare::INPUT_TOKENS, 211)),
            output_tokens: Some(or(9, rare::OUTPUT_TOKENS, 187)),
            cached_input_tokens: Some(0),
            cache_write_tokens: Some(0),
            reasoning_tokens: Some(0),
            cost_pusd: Some(or(10, rare::COST_PUSD, 143_850_000)),
            prices_version: Some("2026-11-01".to_owned()),
            latency_us: or(11, rare::LATENCY_US, 1_234_567),
            first_byte_us: Some(1_230_000),
            cache_status: either(12, rare::CACHE, "DISABLED"),
            retry_count: if rare(13) { -1 } else { 0 },
            ..scratch::log(self.ids.log_id(), organisation.id)
        }
    }
}
