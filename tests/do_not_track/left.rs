//! All that calls leave behind, and the search for marks in it.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::Path;

use entity::log_payload;
use logstore::content;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, EntityTrait as _, Statement};

use super::MARK;

/// All that a run left behind, by where it is.
#[derive(Default)]
pub struct Left(pub Vec<(String, Vec<u8>)>);

impl Left {
    pub fn add(&mut self, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((place.into(), bytes.into()));
    }

    /// Every file below the folder, as it is and with whatever zstd frame is in it unpacked.
    pub fn add_files(&mut self, when: &str, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.add_files(when, &path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let place = format!("{when}: {}", path.file_name().unwrap().display());
            for at in frames(&bytes) {
                self.add(format!("{place}, unpacked at {at}"), unpacked(&bytes[at..]));
            }
            self.add(place, bytes);
        }
    }

    /// Every column of every table, and every payload unpacked.
    pub async fn add_tables(&mut self, db: &DatabaseConnection) {
        let query = async |sql: String| {
            db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap()
        };
        let (tables, columns, as_bytes) = match db.get_database_backend() {
            DbBackend::Postgres => (
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
                "SELECT column_name::text FROM information_schema.columns WHERE table_name = ",
                "convert_to(COLUMN::text, 'UTF8')",
            ),
            _ => (
                "SELECT name FROM sqlite_master WHERE type = 'table'",
                "SELECT name FROM pragma_table_info",
                "CAST(COLUMN AS BLOB)",
            ),
        };
        for table in query(tables.to_owned()).await {
            let table: String = table.try_get_by_index(0).unwrap();
            for column in query(format!("{columns}('{table}')")).await {
                let column: String = column.try_get_by_index(0).unwrap();
                let as_bytes = as_bytes.replace("COLUMN", &format!("\"{column}\""));
                let cells = query(format!("SELECT {as_bytes} FROM \"{table}\"")).await;
                for cell in cells {
                    let bytes: Option<Vec<u8>> = cell.try_get_by_index(0).unwrap();
                    self.add(format!("table {table}, column {column}"), bytes.unwrap_or_default());
                }
            }
        }
        for row in log_payload::Entity::find().all(db).await.unwrap() {
            let exchange = content::unpack(&row.content).unwrap();
            for content in [exchange.request, exchange.response] {
                self.add("a payload's headers", format!("{:?}", content.headers));
                self.add("a payload's body", content.body);
            }
        }
    }

    /// Which marks are where.
    pub fn marks(&self) -> Vec<(&str, String)> {
        let mut found = Vec::new();
        for (place, bytes) in &self.0 {
            let text = String::from_utf8_lossy(bytes);
            let whole =
                |at: usize| text[at..].split_inclusive('.').next().unwrap().chars().take(60).collect();
            found.extend(text.match_indices(MARK).map(|(at, _)| (place.as_str(), whole(at))));
        }
        found
    }

    /// Where the text is.
    pub fn holding(&self, text: &str) -> Vec<&str> {
        let holds = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        self.0.iter().filter(|(_, bytes)| holds(bytes)).map(|(place, _)| place.as_str()).collect()
    }

    pub fn marks_in(&self, place: &str) -> BTreeSet<String> {
        let marks = self.marks().into_iter().filter(|(found, _)| found.starts_with(place));
        marks.map(|(_, mark)| mark).collect()
    }
}

fn frames(bytes: &[u8]) -> Vec<usize> {
    bytes
        .windows(4)
        .enumerate()
        .filter(|(_, four)| *four == [0x28, 0xb5, 0x2f, 0xfd])
        .map(|(at, _)| at)
        .collect()
}

/// As much of a frame as can be read: in a database's pages it may go on elsewhere.
fn unpacked(frame: &[u8]) -> Vec<u8> {
    let mut unpacked = Vec::new();
    if let Ok(decoder) = zstd::stream::read::Decoder::new(frame) {
        let _ = decoder.single_frame().take(4 << 20).read_to_end(&mut unpacked);
    }
    unpacked
}
