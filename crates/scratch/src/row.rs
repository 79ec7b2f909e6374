//! Rows that tests of several crates need, made in one place.

use entity::{log, organisation};
use sea_orm::prelude::Uuid;

/// The log of a small call that was answered, received when its id was made: a test changes what it is about.
#[must_use]
pub fn log(id: Uuid, organisation_id: Uuid) -> log::Model {
    log::Model {
        id,
        organisation_id,
        workspace_id: organisation_id,
        api_key_id: None,
        created_at: clock::millis(id).unwrap(),
        retention_class: 3,
        source: "gateway".to_owned(),
        endpoint: "chatComplete".to_owned(),
        method: "POST".to_owned(),
        url: "https://api.openai.com/v1/chat/completions".to_owned(),
        provider: "openai".to_owned(),
        model: Some("gpt-4o".to_owned()),
        requested_model: Some("gpt-4o".to_owned()),
        virtual_key: None,
        trace_id: id.to_string(),
        span_id: None,
        span_name: None,
        parent_span_id: None,
        metadata: None,
        status_code: 200,
        outcome: "answered".to_owned(),
        streamed: false,
        input_tokens: Some(10),
        output_tokens: Some(5),
        cached_input_tokens: None,
        cache_write_tokens: None,
        reasoning_tokens: None,
        usage_detail: None,
        tokens_estimated: false,
        cost_pusd: Some(1_000),
        prices_version: None,
        latency_us: 1_000,
        first_byte_us: None,
        cache_status: "DISABLED".to_owned(),
        retry_count: 0,
        mode: "single".to_owned(),
        option_path: "config".to_owned(),
        config_id: None,
        config_version_id: None,
        attempts: None,
        hook_results: None,
        payload: "whole".to_owned(),
        external_id: None,
        replay_of: None,
        prompt_id: None,
        prompt_version_id: None,
        prompt_slug: None,
    }
}

/// An organisation that was there from the beginning of time.
#[must_use]
pub fn organisation(id: Uuid, plan: &str) -> organisation::Model {
    organisation::Model {
        id,
        name: "Acme".to_owned(),
        plan: plan.to_owned(),
        overrides: serde_json::json!({}),
        created_at: 0,
        next_plan: None,
        next_overrides: None,
        next_plan_at: None,
        over_quota: "pass".to_owned(),
        cap_blocks: None,
        cap_cents: None,
        standing: "good".to_owned(),
        standing_since: None,
    }
}
