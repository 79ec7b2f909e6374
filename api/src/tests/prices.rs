use std::time::Duration;

use providers::import;
use serde_json::{Value, json};

use super::fixture::Fixture;

async fn pricing(f: &Fixture, model: &str) -> (u16, Value) {
    f.send("GET", &format!("/v1/model-configs/pricing/{model}"), &[], None).await
}

async fn add(f: &Fixture, text: &str) {
    let import = import(text, None).unwrap();
    pricing::store(&f.db, (&f.api.ids, &f.clock), import, "x", false).await.unwrap();
    f.clock.advance(Duration::from_mins(1));
}

#[actix_web::test]
async fn a_price_is_shown_in_cents_a_token_to_everybody() {
    let f = Fixture::new().await;
    let gpt = json!({
        "pay_as_you_go": {
            "request_token": {"price": 0.00025},
            "response_token": {"price": 0.001},
            "cache_read_input_token": {"price": 0.000_125},
        },
        "currency": "USD",
    });
    for name in ["openai/gpt-4o", "open-ai/gpt-4o", "openai/gpt-4o-2024-08-06"] {
        assert_eq!(pricing(&f, name).await, (200, gpt.clone()), "{name}");
    }
    for name in ["openai/nothing", "nobody/gpt-4o", "openai/*", "openai/%2F", "openai/no%00body"] {
        assert_eq!(pricing(&f, name).await, (404, json!({"error": "Model not found"})), "{name}");
    }
}

#[actix_web::test]
async fn what_was_imported_is_shown_and_an_operators_own_is_not() {
    let f = Fixture::new().await;
    assert_eq!(pricing(&f, "groq/meta%2Fllama").await.0, 404);
    add(
        &f,
        r#"{"groq/meta/llama": {"litellm_provider": "groq", "input_cost_per_token": 1e-12, "output_cost_per_token": 2e-06,
            "output_cost_per_reasoning_token": 3e-06,
            "input_cost_per_token_batches": 5e-07, "output_cost_per_token_batches": 1e-06}}"#,
    )
    .await;
    let (status, imported) = pricing(&f, "groq/meta%2Fllama").await;
    let shown = json!({
        "pay_as_you_go": {
            "request_token": {"price": 1e-10},
            "response_token": {"price": 0.0002},
            "additional_units": {"thinking_token": {"price": 0.0003}},
        },
        "batch_config": {"request_token": {"price": 0.00005}, "response_token": {"price": 0.0001}},
        "currency": "USD",
    });
    assert_eq!((status, &imported), (200, &shown));
    add(
        &f,
        "[providers.groq.models]\n\"meta/llama\" = { input = \"9\", output = \"9\" }\nown = { input = \"1\", output = \"1\" }",
    )
    .await;
    assert_eq!(pricing(&f, "groq/meta%2Fllama").await, (200, shown));
    assert_eq!(pricing(&f, "groq/own").await.0, 404);
}

/// Who imports what is shown has the price that is here.
#[actix_web::test]
async fn what_is_shown_can_be_imported() {
    let f = Fixture::new().await;
    let mut shown = 0;
    for (provider, model, price) in providers::built_in().iter().filter(|(_, model, _)| *model != "*") {
        let (status, pricing) = pricing(&f, &format!("{provider}/{}", model.replace('/', "%2F"))).await;
        assert_eq!(status, 200, "{provider} {model}");
        let read = import(&json!({model: {"pricing_config": pricing}}).to_string(), Some(provider)).unwrap();
        assert!(read.left_out.is_empty(), "{provider} {model}: {:?}", read.left_out);
        let expected = providers::Price { long: Vec::new(), flex: None, priority: None, ..price.clone() };
        assert_eq!(read.prices.get(provider, model), Some(&expected), "{provider} {model}");
        shown += 1;
    }
    assert!(shown > 50, "{shown}");
}
