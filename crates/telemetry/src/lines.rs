//! The process's own lines, on standard error.

use std::env::VarError;

use settings::LogFormat;
use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use crate::Error;

/// Where a filter was set, and its directives.
#[derive(Debug)]
pub(crate) struct Directives {
    name: &'static str,
    text: String,
}

/// `RUST_LOG`, if it is set, else the setting.
pub(crate) fn choose(rust_log: Result<String, VarError>, setting: &str) -> Result<Directives, Error> {
    match rust_log {
        Ok(text) if !text.is_empty() => Ok(Directives { name: "RUST_LOG", text }),
        Ok(_) | Err(VarError::NotPresent) => Ok(Directives { name: "log.level", text: setting.to_owned() }),
        Err(VarError::NotUnicode(_)) => Err(Error::NotText),
    }
}

impl Directives {
    /// The filter, with `before` ahead of what was set, which may contradict it.
    pub(crate) fn filter(&self, before: &str) -> Result<EnvFilter, Error> {
        // By itself first, so that an error is about what was set.
        let set = EnvFilter::builder().parse(&self.text);
        let set = set.map_err(|source| Error::Filter { name: self.name, source })?;
        if before.is_empty() {
            return Ok(set);
        }
        let both = EnvFilter::builder().parse(format!("{before},{}", self.text));
        both.map_err(|source| Error::Filter { name: self.name, source })
    }
}

/// Writes what is said to `writer`.
pub(crate) fn layer<S, W>(format: LogFormat, colours: bool, writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Pretty => Box::new(lines.with_ansi(colours)),
        LogFormat::Json => Box::new(lines.json().flatten_event(true)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io;
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Registry;
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// What is written while `speak` runs.
    fn lines(format: LogFormat, filter: &str, speak: impl FnOnce()) -> Vec<String> {
        let written = Arc::new(Mutex::new(Vec::new()));
        let filter = choose(Err(VarError::NotPresent), filter).unwrap().filter("").unwrap();
        let lines = layer(format, false, Sink(Arc::clone(&written)));
        tracing::subscriber::with_default(Registry::default().with(filter).with(lines), speak);
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
        let lines = lines(LogFormat::Pretty, "warn,telemetry::lines=debug", || {
            tracing::debug!(duration_ms = 12, "shipped");
            tracing::info!(target: "other", "not for this target");
        });
        let [line] = lines.as_slice() else { unreachable!("{lines:?}") };
        assert!(line.contains("DEBUG") && line.contains("shipped duration_ms=12"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }

    #[test]
    fn rust_log_goes_before_the_setting_and_a_malformed_filter_is_named() {
        let chosen = |rust_log: &str, setting| {
            let filter = choose(Ok(rust_log.to_owned()), setting).and_then(|chosen| chosen.filter(""));
            filter.map_or_else(|error| error.to_string(), |filter| filter.to_string())
        };
        assert_eq!(chosen("debug", "info"), "debug");
        assert_eq!(chosen("", "info"), "info");
        let setting = choose(Err(VarError::NotPresent), "warn").unwrap();
        assert_eq!(setting.filter("hyper=off").unwrap().to_string(), "hyper=off,warn");
        assert!(chosen("=", "info").starts_with("RUST_LOG: expected"));
        assert!(chosen("", "info,=nonsense=").starts_with("log.level: expected"));
    }
}
