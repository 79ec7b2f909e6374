//! `turnpike org`: signing up, changing plans, correcting bills. Only the database is touched, so a server may run beside it.

use anyhow::Context as _;
use billing::NewCredit;
use chrono::DateTime;
use clock::{Clock, Ids};
use host::say;
use plans::Plan;
use secrecy::ExposeSecret;
use serde_json::json;
use settings::Settings;
use tenancy::audit::Actor;
use tenancy::notices::{self, Change, Channel};
use tenancy::organisation::{Created, Error, NewOrganisation, NewPlan};
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

pub(crate) async fn set_plan(settings: &Settings, organisation: Uuid, new: NewPlan) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let set = tenancy::organisation::set_plan(&db, &ids, organisation, new, clock.now_ms()).await;
    set.map_err(|error| not_done(error, "the plan was not changed", settings))?;
    db.close().await?;
    let mut shown = json!({ "organisation_id": organisation, "plan": new.plan });
    if let Some(from) = new.from_ms.and_then(DateTime::from_timestamp_millis) {
        shown["from"] = json!(from.to_rfc3339());
    }
    say(&format!("{shown:#}"))?;
    tell_servers(settings, organisation).await;
    Ok(())
}

pub(crate) async fn add_owner(settings: &Settings, organisation: Uuid, email: &str) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let added = tenancy::organisation::add_owner(&db, &ids, &clock, organisation, email).await;
    let owner = added.map_err(|error| not_done(error, "nobody was made an owner", settings))?;
    db.close().await?;
    let shown = json!({
        "organisation_id": organisation,
        "user_id": owner.user_id,
        "email": owner.email,
        "password": owner.password.as_ref().map(ExposeSecret::expose_secret),
    });
    say(&format!("{shown:#}"))?;
    tell(settings, &Change::Person(owner.user_id)).await;
    Ok(())
}

/// Tells servers that run of a change, and people when it is seen.
pub(super) async fn tell_servers(settings: &Settings, organisation: Uuid) {
    tell(settings, &Change::Organisation(organisation)).await;
}

async fn tell(settings: &Settings, change: &Change) {
    let seen_within_ms = settings.gateway.key_cache_ttl.as_millis();
    match told(settings, change).await {
        Ok(true) => eprintln!("Running servers were told."),
        Ok(false) => eprintln!("A running server sees it within {seen_within_ms} ms."),
        Err(error) => eprintln!("{error}; running servers see it within {seen_within_ms} ms."),
    }
}

pub(crate) async fn credit(settings: &Settings, new: NewCredit) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let (organisation_id, amount_cents) = (new.organisation_id, new.amount_cents);
    let given = billing::give(&db, &ids, clock.now_ms(), Actor::Operator, new).await;
    let id = given.map_err(|error| match error {
        billing::Error::Organisation(error) => not_done(error, "no credit was given", settings),
        error => anyhow::Error::new(error).context("no credit was given"),
    })?;
    db.close().await?;
    let shown = json!({ "id": id, "organisation_id": organisation_id, "amount_cents": amount_cents });
    say(&format!("{shown:#}"))?;
    Ok(())
}

/// What was not done, and where to look when the organisation is not there.
fn not_done(error: Error, what: &str, settings: &Settings) -> anyhow::Error {
    let described = match error {
        Error::NotFound(_) => {
            format!("{what}; is {} the database that the organisation is in?", host::described(settings))
        }
        _ => what.to_owned(),
    };
    anyhow::Error::new(error).context(described)
}

/// Whether there is a way to tell those that run.
async fn told(settings: &Settings, change: &Change) -> Result<bool, notices::Error> {
    let Some(url) = &settings.redis_url else { return Ok(false) };
    Channel::tell_once(url, change).await?;
    Ok(true)
}
