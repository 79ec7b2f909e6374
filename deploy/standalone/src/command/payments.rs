//! `turnpike org customer` and `turnpike org standing`: whose customer an organisation is, and whether it counts as one that pays.

use anyhow::Context as _;
use clock::{Clock, Ids};
use host::say;
use payments::standing::Change;
use payments::{Stripe, customer};
use sea_orm::TransactionTrait as _;
use serde_json::json;
use settings::Settings;
use tenancy::Standing;
use tenancy::audit::Actor;
use uuid::Uuid;

use super::organisation::tell_servers;

pub(crate) async fn set_customer(
    settings: &Settings,
    organisation: Uuid,
    known: Option<String>,
) -> anyhow::Result<()> {
    let now_ms = Clock::system().now_ms();
    let stripe = Stripe::new(&settings.payments)?;
    let db = host::database(settings).await?;
    let id = if let Some(id) = known {
        customer::set(&db, organisation, &id, now_ms).await.map(|()| id)
    } else {
        let stripe = stripe
            .context("payments.stripe_api_key is not set; set it, or name the customer with --stripe")?;
        customer::create(&db, &stripe, organisation, now_ms).await
    };
    let id = id.context("the organisation was not made a customer")?;
    db.close().await?;
    say(&format!("{:#}", json!({ "organisation_id": organisation, "stripe_customer_id": id })))?;
    Ok(())
}

pub(crate) async fn set_standing(
    settings: &Settings,
    organisation: Uuid,
    standing: Standing,
) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let change = Change {
        organisation_id: organisation,
        from: &Standing::ALL,
        to: standing,
        actor: Actor::Operator,
        because: "set by hand",
    };
    let txn = db.begin().await?;
    let before = payments::standing::change(&txn, &Ids::new(clock.clone()), clock.now_ms(), &change).await;
    let before = before.context("the standing was not changed")?;
    txn.commit().await?;
    db.close().await?;
    let before = before.unwrap_or(standing);
    say(&format!(
        "{:#}",
        json!({ "organisation_id": organisation, "standing": standing.as_str(), "before": before.as_str() })
    ))?;
    tell_servers(settings, organisation).await;
    Ok(())
}
