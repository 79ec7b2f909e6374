use std::collections::HashSet;

use providers::{Auth, Endpoint, Shape, all, provider};

#[test]
fn every_provider_is_found_by_its_slug_and_can_be_called() {
    let mut slugs = HashSet::new();
    for row in all() {
        assert!(slugs.insert(&row.slug), "{} twice", row.slug);
        assert_eq!(provider(&row.slug).unwrap().slug, row.slug);
        assert!(row.supports(Endpoint::Proxy) && row.supports(Endpoint::Models));
        let openai_shaped = row.shape == Shape::OpenAi;
        assert_eq!(row.supports(Endpoint::ChatCompletions), openai_shaped, "{}", row.slug);
        assert!(
            row.prefix.is_empty() || row.prefix.starts_with('/') && !row.prefix.ends_with('/'),
            "{}",
            row.slug
        );
        if let Some(base) = &row.base {
            assert_eq!(base.scheme(), "https", "{}", row.slug);
            assert!(
                base.query().is_none() && base.path() == "/" || !base.path().ends_with('/'),
                "{}",
                row.slug
            );
        }
        let lower = |name: &str| name == name.to_ascii_lowercase();
        assert!(row.headers.iter().all(|(name, _)| lower(name)));
        assert!(!matches!(&row.auth, Auth::Header(name) if !lower(name)));
    }
    assert!(slugs.len() > 50, "{}", slugs.len());
}

#[test]
fn the_rows_say_what_the_providers_document() {
    let openai = provider("openai").unwrap();
    assert_eq!(openai.base.as_ref().unwrap().as_str(), "https://api.openai.com/v1");
    assert_eq!((openai.prefix.as_str(), &openai.auth), ("", &Auth::Bearer));
    assert!(openai.supports(Endpoint::ImageEdit) && !openai.supports(Endpoint::Messages));

    let together = provider("together-ai").unwrap();
    assert_eq!(
        (together.base.as_ref().unwrap().as_str(), together.prefix.as_str()),
        ("https://api.together.xyz/", "/v1")
    );

    let anthropic = provider("anthropic").unwrap();
    assert_eq!((anthropic.shape, &anthropic.auth), (Shape::Native, &Auth::Header("x-api-key".to_owned())));
    assert_eq!(anthropic.headers, [("anthropic-version".to_owned(), "2023-06-01".to_owned())]);
    assert!(anthropic.supports(Endpoint::Messages) && !anthropic.supports(Endpoint::Embeddings));

    assert_eq!(provider("google").unwrap().auth, Auth::Query("key".to_owned()));
    assert_eq!(provider("mistral-ai").unwrap().gen_ai_system, "mistral_ai");
    assert_eq!(provider("together-ai").unwrap().gen_ai_system, "together-ai");
    for slug in ["ollama", "echo"] {
        let row = provider(slug).unwrap();
        assert_eq!((row.base.is_none(), &row.auth, row.shape), (true, &Auth::None, Shape::OpenAi));
    }
}

#[test]
fn other_names_lead_to_the_same_row_and_unknown_ones_to_none() {
    assert_eq!(provider("open-ai").unwrap().slug, "openai");
    assert_eq!(provider("hugging-face").unwrap().slug, "huggingface");
    assert!(provider("OpenAI").is_none() && provider("").is_none() && provider("bedrock").is_none());
}
