//! Spans that callers send, as JSON or as protobuf: whatever is in them, each is read or refused.

#![no_main]

use genai::read::{Origin, read};
use libfuzzer_sys::fuzz_target;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest as Request;
use prost::Message;

fuzz_target!(|body: &[u8]| {
    let json = serde_json::from_slice::<Request>(body).ok();
    let Some(request) = json.or_else(|| Request::decode(body).ok()) else { return };
    for of_resource in request.resource_spans {
        let origin = Origin::of(of_resource.resource);
        for of_scope in of_resource.scope_spans {
            for mut span in of_scope.spans {
                // So that what is in it is looked at.
                span.trace_id = vec![1; 16];
                span.span_id = vec![1; 8];
                span.parent_span_id.clear();
                let call = read(span, &origin, of_scope.scope.as_ref()).expect("it has a place in a trace");
                assert!(call.request.is_object() && call.response.is_object());
                assert!(call.metadata.len() <= 100);
                let usage = call.usage.unwrap_or_default();
                assert!(usage.cached_input_tokens <= usage.input_tokens);
            }
        }
    }
});
