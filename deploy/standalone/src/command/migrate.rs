//! `turnpike migrate`: the database at this release's schema.

use host::say;
use settings::Settings;

pub(crate) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let db = host::database(settings).await?;
    db.close().await?;
    say(&format!(
        "The database is at the schema of Turnpike {}: {}",
        env!("CARGO_PKG_VERSION"),
        host::described(settings)
    ))?;
    Ok(())
}
