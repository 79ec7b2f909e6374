//! The project's measuring stand: the same calls to an upstream itself, to it through nginx and through Turnpike, side by side
//! in one run. `make bench` builds what it needs and runs it; CONTRIBUTING.md says how to read the table.

#![expect(clippy::cast_precision_loss, reason = "counts become rates, to be read by people")]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::process;
use clap::Parser;

mod drain;
mod drive;
mod load;
mod numbers;
mod report;
mod round;
mod soak;
mod starts;
mod subject;
mod upstream;
mod wire;

use load::Load;
use process::Process;
use report::{Report, Row};
use round::{Bench, Measures};
use subject::{NAMES, Site, Subject};

/// Taking turns, all subjects meet the same noise; the median of three rounds leaves the worst of it out.
const ROUNDS: usize = 3;

const EXAMPLES: &str = "\
Examples:
  bench                                everything: about 8 minutes
  bench --quick                        the same in about 4, and noisier
  bench --only sqlite --only json-32   one subject and one load; ratios need nginx and direct beside it
  bench --starts                       instead: starts, idle memory, and the drain of 100,000 logs: about 3 minutes
  bench --soak 10 --only postgres      instead: full load for ten minutes";

/// Measures the upstream itself, nginx and Turnpike before it, side by side.
#[derive(Parser)]
#[command(after_help = EXAMPLES)]
struct Arguments {
    /// Rounds of one second, unless --seconds says otherwise.
    #[arg(long)]
    quick: bool,
    /// Only this subject (direct, nginx, sqlite, postgres) or load (json, stream, hit, fallback, balance, json-32 ..); to be
    /// repeated.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// How long each part of a round takes. Default: 4.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
    /// Threads or processes that serve HTTP, for nginx and Turnpike alike. Default: one a core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
    /// Where Turnpike's binaries are. Default: where this one is.
    #[arg(long, value_name = "FOLDER")]
    binaries: Option<PathBuf>,
    /// Instead of the table: full load for so long, and whether backlog and memory stay bounded. SQLite unless --only says
    /// otherwise.
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=1440))]
    soak: Option<u64>,
    /// Instead of the table: time to ready and memory when idle, and how fast a full spool drains.
    #[arg(long, conflicts_with = "soak")]
    starts: bool,
    /// Write all rounds to this file, too.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["soak", "starts"])]
    json: Option<PathBuf>,
    /// Start Turnpike with this setting, as `TURNPIKE_LOG__TEXT_INDEX=false`; to be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// Be the upstream.
    #[arg(long, hide = true)]
    upstream: bool,
}

/// A variable of a setting, and its value.
fn setting(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let cores = std::thread::available_parallelism()?.get();
    let workers = arguments.workers.map_or(cores, usize::from);
    if arguments.upstream {
        return upstream::serve(workers);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            ran = run(&arguments, workers) => ran,
            // Whatever was started ends with what holds it.
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })
}

async fn run(arguments: &Arguments, workers: usize) -> anyhow::Result<()> {
    let (names, loads) = chosen(&arguments.only)?;
    let own = std::env::current_exe()?;
    let binaries = match &arguments.binaries {
        Some(folder) => folder.canonicalize().with_context(|| format!("no folder {}", folder.display()))?,
        None => own.parent().context("this program is nowhere")?.to_owned(),
    };
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(&own);
    command.arg("--upstream").arg("--workers").arg(workers.to_string());
    let (upstream, addr) = Process::serve(&mut command, &folder.path().join("upstream.txt"), "is it gone?")?;
    let site = Site {
        upstream: addr,
        upstream_process: upstream.id(),
        workers,
        binaries: &binaries,
        settings: &arguments.set,
        folder: folder.path().to_owned(),
    };
    if let Some(minutes) = arguments.soak {
        let name = names.iter().find(|name| ["sqlite", "postgres"].contains(name));
        let name = name.context("only sqlite and postgres can be soaked")?;
        println!("{}; {}, {workers} workers", machine(), binaries.display());
        return soak::run(name, &site, Duration::from_mins(minutes)).await;
    }
    if arguments.starts {
        println!("{}; {}, {workers} workers each\n", machine(), binaries.display());
        starts::run(&names, &site).await?;
        return drain::run(&names, &site).await;
    }
    let seconds = arguments.seconds.unwrap_or(if arguments.quick { 1 } else { 4 });
    let subjects = start(&names, &site).await?;
    if subjects.is_empty() {
        bail!("there is nothing to measure");
    }
    let bench = Bench { upstream: addr, time: Duration::from_secs(seconds) };
    let rows = measure(bench, &subjects, &loads).await?;
    let report = Report {
        machine: machine(),
        binaries: binaries.display().to_string(),
        workers,
        seconds: seconds as f64,
        rows,
    };
    print!("{}", report.table());
    match &arguments.json {
        Some(file) => report.write(file),
        None => Ok(()),
    }
}

/// The subjects and the loads that `--only` leaves: all of either where it names none.
fn chosen(only: &[String]) -> anyhow::Result<(Vec<&'static str>, Vec<Load>)> {
    let is_of = |load: &Load, name: &str| {
        let load = load.to_string();
        load == name || load.split('-').next() == Some(name)
    };
    for name in only {
        if !NAMES.contains(&name.as_str()) && !load::ALL.iter().any(|load| is_of(load, name)) {
            let loads = load::ALL.map(|load| load.to_string()).join(", ");
            bail!(
                "--only {name} is none of {}, json, stream, hit, fallback, balance, {loads}",
                NAMES.join(", ")
            );
        }
    }
    let names: Vec<_> = NAMES.into_iter().filter(|name| only.iter().any(|wanted| wanted == name)).collect();
    let loads: Vec<_> =
        load::ALL.into_iter().filter(|load| only.iter().any(|wanted| is_of(load, wanted))).collect();
    Ok((
        if names.is_empty() { NAMES.to_vec() } else { names },
        if loads.is_empty() { load::ALL.to_vec() } else { loads },
    ))
}

async fn start(names: &[&'static str], site: &Site<'_>) -> anyhow::Result<Vec<Subject>> {
    let mut subjects = Vec::new();
    for name in names {
        eprintln!("bench: starting {name}");
        let subject = subject::start(name, &site.room(name)?).await;
        subjects.extend(subject.with_context(|| format!("{name} does not start"))?);
    }
    Ok(subjects)
}

async fn measure(bench: Bench, subjects: &[Subject], loads: &[Load]) -> anyhow::Result<Vec<Row>> {
    let mut stream_kib = Vec::new();
    for subject in subjects {
        eprintln!("bench: {}, memory of open streams", subject.name);
        stream_kib.push(bench.stream_kib(subject).await?);
    }
    let mut rows: Vec<Vec<Measures>> = vec![Vec::new(); loads.len() * subjects.len()];
    for round in 1..=ROUNDS {
        for (l, load) in loads.iter().enumerate() {
            for (s, subject) in subjects.iter().enumerate() {
                let measured = bench.round(subject, *load).await;
                let measured = measured.with_context(|| format!("{}, {load}", subject.name))?;
                let calls = measured.calls_per_s.unwrap_or_default();
                eprintln!("bench: round {round} of {ROUNDS}, {load}, {}: {calls:.0} calls/s", subject.name);
                rows[l * subjects.len() + s].push(Measures { stream_kib: Some(stream_kib[s]), ..measured });
            }
        }
    }
    let places = loads.iter().flat_map(|load| subjects.iter().map(move |subject| (*load, subject.name)));
    Ok(places.zip(rows).map(|((load, subject), rounds)| Row::new(load, subject, rounds)).collect())
}

fn machine() -> String {
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<_> = processors
        .lines()
        .filter_map(|line| Some(line.strip_prefix("model name")?.split_once(':')?.1.trim()))
        .collect();
    format!("{} x {}", models.len(), models.first().unwrap_or(&"unknown processor"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn only_narrows_what_it_names_and_leaves_the_rest() {
        let chosen =
            |names: &[&str]| chosen(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(chosen(&[]).unwrap(), (NAMES.to_vec(), load::ALL.to_vec()));
        assert_eq!(chosen(&["sqlite", "json"]).unwrap(), (vec!["sqlite"], load::ALL[..3].to_vec()));
        assert_eq!(chosen(&["stream-32", "nginx"]).unwrap(), (vec!["nginx"], vec![load::ALL[4]]));
        assert!(chosen(&["json-7"]).unwrap_err().to_string().contains("json-32"));
    }
}
