//! From the rounds to one table, and to a file for later.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::load::{Load, Shape};
use crate::round::Measures;

/// All of a run.
#[derive(Serialize)]
pub struct Report {
    pub machine: String,
    /// The folder of the binaries: its name is the profile's.
    pub binaries: String,
    pub workers: usize,
    pub seconds: f64,
    pub rows: Vec<Row>,
}

/// A subject under a load.
#[derive(Serialize)]
pub struct Row {
    pub load: Load,
    pub subject: &'static str,
    /// Of each measure by itself.
    pub median: Measures,
    pub rounds: Vec<Measures>,
}

type Read = fn(&Measures) -> Option<f64>;
type Slot = fn(&mut Measures) -> &mut Option<f64>;

/// Every measure, read and written.
const FIELDS: [(Read, Slot); 10] = [
    (|m| m.calls_per_s, |m| &mut m.calls_per_s),
    (|m| m.p50_us, |m| &mut m.p50_us),
    (|m| m.p99_us, |m| &mut m.p99_us),
    (|m| m.cpu_us, |m| &mut m.cpu_us),
    (|m| m.postgres_cpu_us, |m| &mut m.postgres_cpu_us),
    (|m| m.redis_cpu_us, |m| &mut m.redis_cpu_us),
    (|m| m.peak_mib, |m| &mut m.peak_mib),
    (|m| m.shipped_per_s, |m| &mut m.shipped_per_s),
    (|m| m.event_cpu_us, |m| &mut m.event_cpu_us),
    (|m| m.stream_kib, |m| &mut m.stream_kib),
];

const COLUMNS: [&str; 15] = [
    "", "calls/s", "x nginx", "x direct", "p50 us", "p99 us", "CPU us", "x nginx", "pg us", "redis us",
    "peak MiB", "ships/s", "us/event", "first+us", "KiB/strm",
];

const LEGEND: &str = "\
calls/s   as many as the connections make; Turnpike's are logs in the store, and the clock stops at the last one
p50, p99  at half of that rate; of streams, to the first event of streams whose events come 10 ms apart
CPU us    user + system a call, all of the subject's processes, until the last log is stored (direct: the upstream's)
ships/s   logs into the store once the calls have ended, where 2,000 or more were waiting
us/event  CPU an event of streams whose events come 10 ms apart; first+us: their first event, later than direct's by this
KiB/strm  memory an open stream of 128, before the first round
";

impl Row {
    pub fn new(load: Load, subject: &'static str, rounds: Vec<Measures>) -> Self {
        let mut median = Measures::default();
        for (read, slot) in FIELDS {
            *slot(&mut median) = middle(rounds.iter().filter_map(read).collect());
        }
        Self { load, subject, median, rounds }
    }
}

/// The median; none of none.
pub fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Report {
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
    }

    /// The table, for people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{}; {}, {} workers each, median of rounds of {} s\n\n",
            self.machine, self.binaries, self.workers, self.seconds
        );
        line(&mut text, &COLUMNS.map(str::to_owned));
        let mut group = None;
        for row in &self.rows {
            if group.replace(row.load) != Some(row.load) {
                let shape = match row.load.shape {
                    Shape::Json => "JSON",
                    Shape::Stream => "streams",
                    Shape::Hit => "kept answers",
                    Shape::Fallback => "a first target that is down",
                    Shape::Balance => "three targets in turn",
                };
                let _ = writeln!(text, "\n{shape}, connections: {}", row.load.connections);
            }
            line(&mut text, &self.cells(row));
        }
        text.push('\n');
        text.push_str(LEGEND);
        text
    }

    fn cells(&self, row: &Row) -> [String; COLUMNS.len()] {
        let m = &row.median;
        let other = |subject: &str, read: Read| {
            let found = self.rows.iter().find(|other| other.load == row.load && other.subject == subject);
            found.and_then(|found| read(&found.median))
        };
        let ratio = |subject, read: Read| {
            let ratio = read(m).zip(other(subject, read)).map(|(ours, theirs)| ours / theirs);
            shown(ratio.filter(|_| row.subject != subject), 2)
        };
        // What direct's CPU is that of, the upstream, stands beside the subjects and not behind them.
        let cpu_ratio = if row.subject == "direct" { shown(None, 0) } else { ratio("nginx", |m| m.cpu_us) };
        let streamed = row.load.shape == Shape::Stream && row.subject != "direct";
        let first = m.p50_us.zip(other("direct", |m| m.p50_us)).map(|(ours, direct)| ours - direct);
        [
            format!("  {}", row.subject),
            shown(m.calls_per_s, 0),
            ratio("nginx", |m| m.calls_per_s),
            ratio("direct", |m| m.calls_per_s),
            shown(m.p50_us, 0),
            shown(m.p99_us, 0),
            shown(m.cpu_us, 1),
            cpu_ratio,
            shown(m.postgres_cpu_us, 1),
            shown(m.redis_cpu_us, 1),
            shown(m.peak_mib, 0),
            shown(m.shipped_per_s, 0),
            shown(m.event_cpu_us, 2),
            shown(first.filter(|_| streamed), 0),
            shown(m.stream_kib.filter(|_| streamed), 1),
        ]
    }
}

/// A cell; a dash where nothing was measured.
pub fn shown(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}

fn line(text: &mut String, cells: &[String]) {
    let mut line = String::new();
    for (n, cell) in cells.iter().enumerate() {
        let _ = if n == 0 { write!(line, "{cell:<10}") } else { write!(line, "{cell:>9}") };
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load = Load { shape: Shape::Stream, connections: 32 };

    fn row(subject: &'static str, calls: [f64; 3], p50_us: f64) -> Row {
        let rounds = calls.map(|n| Measures {
            calls_per_s: Some(n),
            p50_us: Some(p50_us),
            cpu_us: Some(10.0),
            ..Measures::default()
        });
        Row::new(LOAD, subject, rounds.to_vec())
    }

    #[test]
    fn the_median_is_of_each_measure_and_none_of_none() {
        let row = row("nginx", [30.0, 10.0, 20.0], 5.0);
        assert_eq!((row.median.calls_per_s, row.median.p99_us), (Some(20.0), None));
    }

    #[test]
    fn a_row_is_compared_with_those_of_its_load() {
        let rows = vec![
            row("direct", [400.0; 3], 100.0),
            row("nginx", [200.0; 3], 150.0),
            row("sqlite", [100.0; 3], 300.0),
        ];
        let report = Report {
            machine: "a machine".to_owned(),
            binaries: "target/dist".to_owned(),
            workers: 2,
            seconds: 5.0,
            rows,
        };
        let table = report.table();
        let cells = |subject: &str| {
            let line = table.lines().find(|line| line.trim_start().starts_with(subject)).unwrap_or_default();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(cells("sqlite")[1..4], ["100", "0.50", "0.25"], "{table}");
        assert_eq!(cells("sqlite")[13], "200", "{table}");
        assert_eq!(cells("nginx")[1..4], ["200", "-", "0.50"], "{table}");
        assert_eq!(cells("direct")[7], "-", "{table}");
    }
}
