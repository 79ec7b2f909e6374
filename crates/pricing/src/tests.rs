#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use clock::{Clock, Ids};
use providers::{ServiceTier, Usage, import};
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, IntoActiveModel as _};

use super::*;

struct World {
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    _folder: tempfile::TempDir,
}

const GPT: &str = r#"{"gpt-4o": {"litellm_provider": "openai", "input_cost_per_token": 3e-06, "output_cost_per_token": 1e-05},
    "gpt-4o-2024-08-06": {"litellm_provider": "openai", "input_cost_per_token": 4e-06, "output_cost_per_token": 1e-05}}"#;

fn one() -> Usage {
    Usage { input_tokens: 1, ..Usage::default() }
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = scratch::database(folder.path()).await;
        let clock = Clock::starting_at(1_793_491_200_000);
        Self { db, ids: Ids::new(clock.clone()), clock, _folder: folder }
    }

    async fn add(&self, text: &str, checked: bool) -> Imported {
        self.clock.advance(Duration::from_millis(1));
        store(&self.db, (&self.ids, &self.clock), import(text, None).unwrap(), "x", checked).await.unwrap()
    }

    async fn organisation(&self) -> Uuid {
        let row = scratch::organisation(self.ids.fresh(), "developer");
        let id = row.id;
        entity::organisation::Entity::insert(row.into_active_model())
            .exec_without_returning(&self.db)
            .await
            .unwrap();
        id
    }

    async fn adjust(&self, new: NewAdjustment) -> Result<Uuid, Error> {
        self.clock.advance(Duration::from_millis(1));
        adjust(&self.db, (&self.ids, &self.clock), new).await
    }

    async fn cost(&self, organisation: Uuid, provider: &str, model: &str) -> Option<i64> {
        Book::load(&self.db).await.unwrap().cost(organisation, provider, model, &one())
    }
}

#[tokio::test]
async fn an_operators_prices_go_before_imported_ones_and_those_before_the_releases() {
    let world = World::new().await;
    let nobody = world.ids.fresh();
    assert_eq!(world.cost(nobody, "openai", "gpt-4o").await, Some(2_500_000));
    let built_in = providers::prices_version();
    assert_eq!(Book::load(&world.db).await.unwrap().version(nobody), built_in);

    let checked = world.add(GPT, true).await;
    assert_eq!(checked.changes.len(), 2);
    assert_eq!(world.cost(nobody, "openai", "gpt-4o").await, Some(2_500_000), "only checked");
    let added = world.add(GPT, false).await;
    assert_eq!(added.changes, checked.changes);
    let version = added.version.unwrap();
    assert!(version.starts_with(&format!("{built_in}; 2026-11-01T00:")), "{version}");
    assert!(version.ends_with("Z import litellm x"), "{version}");
    assert_eq!(Book::load(&world.db).await.unwrap().version(nobody), version);
    assert_eq!(world.cost(nobody, "openai", "gpt-4o").await, Some(3_000_000));
    assert_eq!(world.cost(nobody, "open-ai", "gpt-4o-2024-08-06").await, Some(4_000_000));
    assert_eq!(world.cost(nobody, "openai", "gpt-4o-mini").await, Some(150_000), "as in the release");
    let again = world.add(GPT, false).await;
    assert_eq!((again.version, again.changes), (None, Vec::new()));

    // The name with its version is found by the operator's too.
    let own = "providers.openai.models.gpt-4o = { input = \"1\", output = \"2\" }
               providers.openai.models.\"*\" = { input = \"9\", output = \"9\" }";
    let changes = world.add(own, false).await.changes;
    assert!(changes.iter().any(|change| change.model == "gpt-4o" && change.new.is_some()), "{changes:?}");
    for (model, pico) in [
        ("gpt-4o", 1_000_000),
        ("gpt-4o-2024-08-06", 1_000_000),
        ("gpt-4o-mini", 150_000),
        ("new", 9_000_000),
    ] {
        assert_eq!(world.cost(nobody, "openai", model).await, Some(pico), "{model}");
    }
    assert_eq!(world.add(own, false).await.version, None);
    // The last file of them counts alone.
    assert!(world.add("version = \"\"", false).await.version.is_some());
    assert_eq!(world.cost(nobody, "openai", "gpt-4o").await, Some(3_000_000));
    assert_eq!(world.cost(nobody, "openai", "new").await, None);
}

#[tokio::test]
async fn an_organisations_adjustments_are_its_own_and_the_nearest_counts() {
    let world = World::new().await;
    let (ours, others) = (world.organisation().await, world.organisation().await);
    let of = |provider: Option<&str>, model: Option<&str>, adjustment| NewAdjustment {
        organisation_id: ours,
        provider: provider.map(str::to_owned),
        model: model.map(str::to_owned),
        adjustment,
    };
    let by = |text: &str| Adjustment::Multiply(text.parse().unwrap());
    world.adjust(of(None, None, by("0.8"))).await.unwrap();
    world.adjust(of(Some("open-ai"), None, by("0.5"))).await.unwrap();
    let price = serde_json::from_str(r#"{"input": "7", "output": "8", "batch": {"input": "1"}}"#).unwrap();
    world.adjust(of(Some("openai"), Some("o9"), Adjustment::Price(price))).await.unwrap();
    let third = world.adjust(of(Some("openai"), Some("gpt-4o-mini"), by("0.333333"))).await.unwrap();
    for (provider, model, pico) in [
        ("anthropic", "claude-haiku-4-5", Some(800_000)),
        ("openai", "gpt-4o", Some(1_250_000)),
        ("openai", "o9-latest", Some(7_000_000)),
        // 49999.95, rounded.
        ("openai", "gpt-4o-mini-2024-07-18", Some(50_000)),
        ("openai", "nobodys", None),
    ] {
        assert_eq!(world.cost(ours, provider, model).await, pico, "{model}");
    }
    assert_eq!(world.cost(others, "openai", "gpt-4o").await, Some(2_500_000));
    let book = Book::load(&world.db).await.unwrap();
    let batch = Usage { service_tier: ServiceTier::Batch, ..one() };
    assert_eq!(book.cost(ours, "openai", "o9", &batch), Some(1_000_000));
    assert_eq!(book.version(others), providers::prices_version());
    let adjusted = book.version(ours).to_owned();
    assert!(adjusted.contains("; adjusted 2026-11-01T00:"), "{adjusted}");

    assert_eq!(adjustments(&world.db, Some(ours)).await.unwrap().len(), 4);
    assert!(adjustments(&world.db, Some(others)).await.unwrap().is_empty());
    world.clock.advance(Duration::from_millis(1));
    withdraw(&world.db, &world.clock, third).await.unwrap();
    assert!(matches!(withdraw(&world.db, &world.clock, third).await, Err(Error::NoAdjustment(_))));
    assert_eq!(world.cost(ours, "openai", "gpt-4o-mini").await, Some(75_000));
    let version = Book::load(&world.db).await.unwrap().version(ours).to_owned();
    assert!(version > adjusted, "{version}");
    world.adjust(of(None, None, by("2"))).await.unwrap();
    assert_eq!(adjustments(&world.db, None).await.unwrap().len(), 3, "in place of the one before");
    assert_eq!(world.cost(ours, "anthropic", "claude-haiku-4-5").await, Some(2_000_000));

    let stranger = NewAdjustment { organisation_id: world.ids.fresh(), ..of(None, None, by("1")) };
    assert!(matches!(world.adjust(stranger).await, Err(Error::NoOrganisation(_))));
    let empty = of(Some(""), None, by("1"));
    assert!(matches!(world.adjust(empty).await, Err(Error::Name { field: "provider", found: 0 })));
}

#[tokio::test]
async fn what_was_added_is_seen_when_it_is_looked_for_again() {
    let world = World::new().await;
    let nobody = world.ids.fresh();
    let current = Current::new(Duration::from_mins(1));
    assert_eq!(current.book().cost(nobody, "openai", "gpt-4o", &one()), Some(2_500_000));
    let first = current.fresh(&world.db, world.clock.now_ms()).await.unwrap();
    world.add(GPT, false).await;
    let same = current.fresh(&world.db, world.clock.now_ms()).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &same), "not yet");
    world.clock.advance(Duration::from_mins(1));
    let fresh = current.fresh(&world.db, world.clock.now_ms()).await.unwrap();
    assert_eq!(fresh.cost(nobody, "openai", "gpt-4o", &one()), Some(3_000_000));
    world.clock.advance(Duration::from_mins(1));
    let again = current.fresh(&world.db, world.clock.now_ms()).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&fresh, &again), "nothing new is read again");
}

#[test]
fn a_log_keeps_all_that_its_cost_depends_on() {
    let usage = Usage {
        input_tokens: 100,
        output_tokens: 50,
        cached_input_tokens: 10,
        cache_write_tokens: 20,
        cache_write_1h_tokens: 5,
        reasoning_tokens: 7,
        audio_input_tokens: 3,
        audio_output_tokens: 4,
        image_input_tokens: 6,
        image_output_tokens: 8,
        service_tier: ServiceTier::Flex,
        estimated: true,
    };
    let plain = Usage { input_tokens: 1, ..Usage::default() };
    for usage in [usage, plain] {
        let signed = |n: u64| i64::try_from(n).ok();
        let log = entity::log::Model {
            input_tokens: signed(usage.input_tokens),
            output_tokens: signed(usage.output_tokens),
            cached_input_tokens: signed(usage.cached_input_tokens),
            cache_write_tokens: signed(usage.cache_write_tokens),
            reasoning_tokens: signed(usage.reasoning_tokens),
            usage_detail: detail_of(&usage),
            tokens_estimated: usage.estimated,
            ..scratch::log(Ids::new(Clock::system()).log_id(), Uuid::nil())
        };
        assert_eq!(usage_of(&log), Some(usage));
    }
    assert_eq!(detail_of(&plain), None);
}
