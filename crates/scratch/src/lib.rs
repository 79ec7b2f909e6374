//! Databases for tests, to be thrown away: a SQLite file in the test's folder or, where [`SERVER`] names a PostgreSQL, a
//! database of its own on it. So every test that touches a database runs on both, unchanged.

#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend};

mod row;

pub use row::{log, organisation};

/// The variable with the URL of the run's PostgreSQL, up to a database's name. `deploy/dev/with-postgres` sets it.
pub const SERVER: &str = "SUITE_POSTGRES";

/// What remembers, in a test's folder, which database belongs to it.
const REMEMBERED: &str = "database_url";

/// Whether this run is on PostgreSQL.
#[must_use]
pub fn on_postgres() -> bool {
    std::env::var_os(SERVER).is_some()
}

/// The database of the test that has this folder, the same each time.
#[must_use]
pub fn url(folder: &Path) -> String {
    postgres_url(folder).unwrap_or_else(|| format!("sqlite://{}", folder.join("turnpike.db").display()))
}

/// The folder's database when this run is on PostgreSQL; made by the first who asks.
#[must_use]
pub fn postgres_url(folder: &Path) -> Option<String> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let server = std::env::var(SERVER).ok()?;
    let remembered = folder.join(REMEMBERED);
    if let Ok(url) = std::fs::read_to_string(&remembered) {
        return Some(url);
    }
    let name = format!("t{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    // Nobody is ever connected to template0, so that it can be copied at any time.
    execute(format!("{server}postgres"), format!("CREATE DATABASE {name} TEMPLATE template0"));
    let url = format!("{server}{name}");
    remember(folder, &url);
    Some(url)
}

/// From now on this database belongs to the test that has this folder, where the run is on PostgreSQL.
pub fn remember(folder: &Path, url: &str) {
    std::fs::write(folder.join(REMEMBERED), url).unwrap();
}

/// The folder's database, open and at the newest schema.
pub async fn database(folder: &Path) -> DatabaseConnection {
    let db = migration::connect(&url(folder), false).await.unwrap();
    migration::apply(&db).await.unwrap();
    db
}

/// From here on `event` (as `UPDATE ON usage`) is refused where `condition` holds of the row `NEW`, until [`allow`].
pub async fn refuse(db: &DatabaseConnection, name: &str, event: &str, condition: &str) {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => format!(
            "CREATE FUNCTION \"{name}\"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF {condition} THEN RAISE EXCEPTION 'refused by the test' USING ERRCODE = '23000'; END IF;
               RETURN NEW;
             END $$;
             CREATE TRIGGER \"{name}\" BEFORE {event} FOR EACH ROW EXECUTE FUNCTION \"{name}\"()"
        ),
        _ => format!(
            "CREATE TRIGGER \"{name}\" BEFORE {event} WHEN {condition}
             BEGIN SELECT RAISE(ABORT, 'refused by the test'); END"
        ),
    };
    db.execute_unprepared(&sql).await.unwrap();
}

/// Ends what [`refuse`] began under this name.
pub async fn allow(db: &DatabaseConnection, name: &str) {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => format!("DROP FUNCTION \"{name}\" CASCADE"),
        _ => format!("DROP TRIGGER \"{name}\""),
    };
    db.execute_unprepared(&sql).await.unwrap();
}

/// On a thread with a runtime of its own: who asks may be in one already, or in none.
fn execute(url: String, sql: String) {
    let executing = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let db = Database::connect(url).await.unwrap();
            db.execute_unprepared(&sql).await.unwrap();
            db.close().await.unwrap();
        });
    });
    executing.join().unwrap();
}
