//! Where things are kept: the data folder, and the database in it or where the settings say.

use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::Context as _;
use sea_orm::DatabaseConnection;
use secrecy::ExposeSecret as _;
use settings::Settings;
use vault::{MasterKey, Vault};

/// A setting that this build has nothing for.
#[derive(Debug, thiserror::Error)]
pub enum Unsupported {
    #[error(
        "database_url is neither of the form sqlite://FILE nor postgres://USER:PASSWORD@HOST/DATABASE; leave database_url \
         (TURNPIKE_DATABASE_URL) out, or name a file, as sqlite:///var/lib/turnpike/turnpike.db, or a PostgreSQL database"
    )]
    Database,
    #[error(
        "master_key (TURNPIKE_MASTER_KEY) is missing; the services must all have the same one, base64 of 32 bytes, as \
         `openssl rand -base64 32` makes it: keep it, what it sealed opens with no other"
    )]
    MasterKey,
}

/// Refuses settings without a master key: one that each service made for itself would open nothing of the others'.
///
/// # Errors
/// [`Unsupported::MasterKey`].
pub fn require_master_key(settings: &Settings) -> Result<(), Unsupported> {
    if settings.master_key.is_some() { Ok(()) } else { Err(Unsupported::MasterKey) }
}

/// Refuses settings that this build has nothing for, before anything is made.
pub(crate) fn check(settings: &Settings) -> Result<(), Unsupported> {
    let file = |url: &str| {
        url.strip_prefix("sqlite://").is_some_and(|file| !file.is_empty() && !file.starts_with(":memory:"))
    };
    let server = |url: &str| {
        let place = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        place.is_some_and(|place| !place.is_empty())
    };
    match &settings.database_url {
        Some(url) if !file(url.expose_secret()) && !server(url.expose_secret()) => Err(Unsupported::Database),
        _ => Ok(()),
    }
}

/// Makes the data folder, for its owner alone. One that is there stays as it is.
pub(crate) fn make_folder(dir: &Path) -> anyhow::Result<()> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| {
        format!(
            "the data folder {} cannot be made; check its place, or name another with TURNPIKE_DATA_DIR",
            dir.display()
        )
    })
}

/// Warns when others may look into the data folder.
pub(crate) fn look_for_others(dir: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(dir)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let mode = format!("{mode:o}");
        tracing::warn!(dir = %dir.display(), mode, "others may look into the data folder; 700 keeps it its owner's");
    }
    Ok(())
}

/// Opens the database and brings it to the newest schema.
///
/// # Errors
/// Says what is wrong with it.
pub async fn database(settings: &Settings) -> anyhow::Result<DatabaseConnection> {
    check(settings)?;
    let url = if let Some(url) = &settings.database_url {
        url.expose_secret().to_owned()
    } else {
        make_folder(&settings.data_dir)?;
        url_of(&settings.data_dir.join("turnpike.db"))?
    };
    // What is forgotten in the spool must be as safe in the database as it was in the spool.
    let durable = settings.spool.fsync;
    let db = migration::connect(&url, durable).await.with_context(|| {
        let place = described(settings);
        format!("the database cannot be opened; check that {place} is there and can be read and written")
    })?;
    migration::apply(&db)
        .await
        .context("the database could not be brought to this release's schema; is it one of Turnpike's?")?;
    Ok(db)
}

/// The database as it may be shown: a URL can hold secrets.
#[must_use]
pub fn described(settings: &Settings) -> String {
    match &settings.database_url {
        Some(_) => "the database that database_url names".to_owned(),
        None => settings.data_dir.join("turnpike.db").display().to_string(),
    }
}

/// The URL that opens exactly this file: SQLite's driver takes a `?` for the begin of options and decodes `%`.
fn url_of(file: &Path) -> anyhow::Result<String> {
    let path = file.to_str().context("the data folder's path is not UTF-8 text; name another")?;
    Ok(format!("sqlite://{}", path.replace('%', "%25").replace('?', "%3F")))
}

/// The vault under the master key of the settings, or else the one in the data folder, made when there is none.
pub(crate) fn vault(settings: &Settings) -> anyhow::Result<Vault> {
    let key = match &settings.master_key {
        Some(key) => MasterKey::parse(key).context("master_key (TURNPIKE_MASTER_KEY) cannot be used")?,
        None => MasterKey::load_or_create(&settings.data_dir.join("master.key"))?,
    };
    Ok(Vault::new(key))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn with(database: Option<&str>) -> Settings {
        Settings { database_url: database.map(Into::into), ..Settings::default() }
    }

    #[test]
    fn what_this_build_has_nothing_for_is_refused() {
        for (database, served) in [
            (None, true),
            (Some("sqlite:///var/lib/turnpike.db"), true),
            (Some("sqlite://turnpike.db?mode=rwc"), true),
            (Some("sqlite::memory:"), false),
            (Some("sqlite://:memory:"), false),
            (Some("sqlite://"), false),
            (Some("postgres://turnpike:secret@db/turnpike"), true),
            (Some("postgresql://db/turnpike?sslmode=require"), true),
            (Some("postgres://"), false),
            (Some("mysql://turnpike:secret@db/turnpike"), false),
        ] {
            let checked = check(&with(database));
            assert_eq!(checked.is_ok(), served, "{database:?}");
            let text = checked.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!text.contains("secret"), "{text}");
        }
    }

    #[tokio::test]
    async fn the_database_is_in_the_data_folder_whatever_that_is_called() {
        let root = tempfile::tempdir().unwrap();
        let data_dir = root.path().join("50%25 off?").join("data");
        let settings = Settings { data_dir: data_dir.clone(), ..Settings::default() };
        let db = database(&settings).await.unwrap();
        db.close().await.unwrap();
        assert!(data_dir.join("turnpike.db").is_file());
        assert_eq!(std::fs::metadata(&data_dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
