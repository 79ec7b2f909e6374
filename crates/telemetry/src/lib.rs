//! What the process says of itself: `tracing`, written to standard error.

use std::env::VarError;
use std::io::{self, IsTerminal as _};

use settings::LogFormat;
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Why there are no log lines.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read; `name` is where it was set.
    #[error("{name}: expected a level or directives, as `info,sqlx=warn`")]
    Filter { name: &'static str, source: tracing_subscriber::filter::ParseError },
    /// `RUST_LOG` is set to something other than text.
    #[error("RUST_LOG: expected UTF-8 text")]
    NotText,
    /// It was set up before, here or by another.
    #[error("tracing is set up already")]
    Twice(#[from] TryInitError),
}

/// Sets up tracing for this process, and lines of the `log` crate with it. `RUST_LOG`, if it is set, goes before `filter`.
///
/// # Errors
/// [`Error`] if the filter is malformed, or if tracing is set up already.
pub fn init(format: LogFormat, filter: &str) -> Result<(), Error> {
    let filter = choose(std::env::var("RUST_LOG"), filter)?;
    subscriber(format, filter, io::stderr().is_terminal(), io::stderr).try_init()?;
    Ok(())
}

fn choose(rust_log: Result<String, VarError>, filter: &str) -> Result<EnvFilter, Error> {
    match rust_log {
        Ok(directives) if !directives.is_empty() => parse("RUST_LOG", &directives),
        Ok(_) | Err(VarError::NotPresent) => parse("log.level", filter),
        Err(VarError::NotUnicode(_)) => Err(Error::NotText),
    }
}

fn parse(name: &'static str, directives: &str) -> Result<EnvFilter, Error> {
    EnvFilter::builder().parse(directives).map_err(|source| Error::Filter { name, source })
}

fn subscriber<W>(
    format: LogFormat,
    filter: EnvFilter,
    colours: bool,
    writer: W,
) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        LogFormat::Pretty => Box::new(lines.with_ansi(colours).finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::sync::{Arc, Mutex};

    use super::*;

    /// What is written while `speak` runs.
    fn lines(format: LogFormat, filter: &str, speak: impl FnOnce()) -> Vec<String> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let filter = parse("log.level", filter).unwrap();
        tracing::subscriber::with_default(
            subscriber(format, filter, false, Sink(Arc::clone(&written))),
            speak,
        );
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[derive(Clone)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl MakeWriter<'_> for Sink {
        type Writer = Self;

        fn make_writer(&self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn json_is_an_object_a_line_with_its_fields() {
        let lines = lines(LogFormat::Json, "info", || {
            tracing::info_span!("ship", segment = 7)
                .in_scope(|| tracing::info!(duration_ms = 12, "batch\nshipped"));
            tracing::debug!("not at this level");
        });
        let [line] = lines.as_slice() else { unreachable!("{lines:?}") };
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["message"], &line["duration_ms"]), (&"batch\nshipped".into(), &12.into()));
        assert_eq!(
            (&line["level"], &line["span"]["name"], &line["span"]["segment"]),
            (&"INFO".into(), &"ship".into(), &7.into())
        );
    }

    #[test]
    fn pretty_is_a_plain_line_off_the_terminal() {
        let lines = lines(LogFormat::Pretty, "warn,telemetry::tests=debug", || {
            tracing::debug!(duration_ms = 12, "shipped");
            tracing::info!(target: "other", "not for this target");
        });
        let [line] = lines.as_slice() else { unreachable!("{lines:?}") };
        assert!(line.contains("DEBUG") && line.contains("shipped duration_ms=12"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }

    #[test]
    fn rust_log_goes_before_the_setting_and_a_malformed_filter_is_named() {
        let chosen = |rust_log: &str, filter| match choose(Ok(rust_log.to_owned()), filter) {
            Ok(filter) => filter.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(chosen("debug", "info"), "debug");
        assert_eq!(chosen("", "info"), "info");
        assert_eq!(choose(Err(VarError::NotPresent), "warn").unwrap().to_string(), "warn");
        assert!(chosen("=", "info").starts_with("RUST_LOG: expected"));
        assert!(chosen("", "info,=nonsense=").starts_with("log.level: expected"));
    }

    #[test]
    fn tracing_is_set_up_once() {
        init(LogFormat::Json, "info").unwrap();
        assert!(matches!(init(LogFormat::Json, "info"), Err(Error::Twice(_))));
    }
}
