//! Records, for the tests of what is done with them.

use bytes::Bytes;
use clock::{Clock, Ids};
use providers::Endpoint;

use crate::{Measured, Message, Outcome, Payload, Record, Routing, Source, Trace};

pub const SECRET: &str = "the content";

/// A call whose request, answer and headers hold [`SECRET`].
pub fn record(payload: Payload, measured: Option<Measured>) -> Record {
    let ids = Ids::new(Clock::system());
    let answer = format!("{{\"model\":\"m\",\"choices\":[{{\"message\":{{\"content\":\"{SECRET}\"}}}}]}}");
    let message = |body: String| Message {
        headers: [("x-header", SECRET)].into_iter().collect(),
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
        replay_of: None,
        endpoint: Endpoint::ChatCompletions,
        method: "POST".to_owned(),
        url: "/v1/chat/completions".to_owned(),
        provider: "openai".to_owned(),
        requested_model: Some("m".to_owned()),
        virtual_key: None,
        metadata: std::collections::BTreeMap::new(),
        trace: Trace::default(),
        routing: Routing::default(),
        config: None,
        attempts: Vec::new(),
        hook_results: None,
        feedback: Vec::new(),
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
