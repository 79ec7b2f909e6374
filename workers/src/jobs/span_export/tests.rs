#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use sea_orm::{EntityTrait as _, IntoActiveModel as _};

use crate::testing::{START_MS, World};
use crate::{Job, run_now};

/// More than there are connections to the database.
const DESTINATIONS: u64 = 100;

/// A destination that nobody listens at.
async fn destination(world: &World, organisation_id: sea_orm::prelude::Uuid) {
    let id = world.ids.fresh();
    let sealed = exports::stored::seal(&world.parts.vault, &BTreeMap::new(), organisation_id, id);
    let row = entity::otel_destination::Model {
        id,
        organisation_id,
        workspace_id: None,
        name: "tool".to_owned(),
        endpoint: "http://127.0.0.1:1".to_owned(),
        protocol: "http/protobuf".to_owned(),
        headers: sealed.unwrap(),
        header_hints: serde_json::json!({}),
        sampling: 1.0,
        filters: serde_json::json!({}),
        content: false,
        metrics: false,
        resource: serde_json::json!({}),
        flavour: "genai".to_owned(),
        status: "active".to_owned(),
        created_at: START_MS,
        last_updated_at: START_MS,
        attempts: 0,
        next_attempt_at: START_MS,
        last_attempt_at: None,
        last_success_at: None,
        last_error: None,
        sent: 0,
        rejected: 0,
        dropped: 0,
    };
    entity::otel_destination::Entity::insert(row.into_active_model())
        .exec_without_returning(world.db())
        .await
        .unwrap();
}

#[tokio::test]
async fn more_destinations_than_connections_are_each_asked_once_and_keep_what_waits() {
    let world = World::new().await;
    let organisation = world.organisation("developer", plans::Overrides::default()).await;
    for _ in 0..DESTINATIONS {
        destination(&world, organisation).await;
    }
    world.log(organisation, 3).await;
    let report = run_now(Job::SpanExport, &world.parts).await.unwrap();
    assert!(report.count("failed") >= Some(DESTINATIONS), "{report}");
    assert_eq!((report.count("sent"), report.count("dropped")), (Some(0), Some(0)));
    let rows = entity::otel_destination::Entity::find().all(world.db()).await.unwrap();
    assert!(rows.iter().all(|row| row.attempts > 0 && row.next_attempt_at > START_MS));
    let waiting = exports::outbox::waiting(world.db(), rows.iter().map(|row| row.id)).await.unwrap();
    assert!(waiting.len() == rows.len() && waiting.values().all(|waiting| waiting.logs == 3), "{waiting:?}");
}
