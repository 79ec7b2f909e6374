//! `turnpike migrate`: the database at this release's schema.

use settings::Settings;

use super::serve::say;
use crate::place;

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let db = place::database(settings).await?;
    db.close().await?;
    say(&format!(
        "The database is at the schema of Turnpike {}: {}",
        env!("CARGO_PKG_VERSION"),
        place::described(settings)
    ))?;
    Ok(())
}
