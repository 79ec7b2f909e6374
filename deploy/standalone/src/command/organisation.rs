//! `turnpike org`: signing up, and changing plans. Only the database is touched, so a server may run beside it.

use anyhow::Context as _;
use clock::{Clock, Ids};
use host::say;
use plans::Plan;
use secrecy::ExposeSecret;
use serde_json::json;
use settings::Settings;
use tenancy::notices::{self, Change, Channel};
use tenancy::organisation::{Created, Error, NewOrganisation};
use uuid::Uuid;

pub(crate) async fn create(
    settings: &Settings,
    name: String,
    plan: Plan,
    owner_email: String,
) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let new = NewOrganisation { name, plan, owner_email };
    let created = tenancy::organisation::create(&db, &Ids::new(clock.clone()), &clock, new)
        .await
        .context("the organisation was not created")?;
    db.close().await?;
    say(&format!("{:#}", shown(&created)))?;
    Ok(())
}

fn shown(created: &Created) -> serde_json::Value {
    json!({
        "organisation_id": created.organisation_id,
        "workspace_id": created.workspace_id,
        "api_key": created.api_key.expose_secret(),
        "admin_api_key": created.admin_api_key.expose_secret(),
        "owner_email": created.owner_email,
        "password": created.password.as_ref().map(ExposeSecret::expose_secret),
    })
}

pub(crate) async fn set_plan(settings: &Settings, organisation: Uuid, plan: Plan) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    tenancy::organisation::set_plan(&db, organisation, plan, None, Clock::system().now_ms()).await.map_err(
        |error| match error {
            Error::NotFound(_) => anyhow::Error::new(error).context(format!(
                "the plan was not changed; is {} the database that the organisation is in?",
                host::described(settings)
            )),
            error => anyhow::Error::new(error).context("the plan was not changed"),
        },
    )?;
    db.close().await?;
    say(&format!("{:#}", json!({ "organisation_id": organisation, "plan": plan })))?;
    let seen_within_ms = settings.gateway.key_cache_ttl.as_millis();
    match told(settings, organisation).await {
        Ok(true) => eprintln!("Running servers were told."),
        Ok(false) => eprintln!("A running server sees it within {seen_within_ms} ms."),
        Err(error) => eprintln!("{error}; running servers see it within {seen_within_ms} ms."),
    }
    Ok(())
}

/// Whether there is a way to tell those that run.
async fn told(settings: &Settings, organisation: Uuid) -> Result<bool, notices::Error> {
    let Some(url) = &settings.redis_url else { return Ok(false) };
    Channel::tell_once(url, &Change::Organisation(organisation)).await?;
    Ok(true)
}
