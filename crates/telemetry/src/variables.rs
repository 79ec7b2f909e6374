//! The `OTEL_*` variables: which signals are exported and how, and whether all of them can be used.
//!
//! The SDK passes over a value that it cannot read; here it stops the start, as a setting of ours does. Source: OpenTelemetry
//! specification 1.50, *Environment Variable Specification* and *OTLP Exporter*.

use std::ffi::OsString;

use url::Url;

use crate::Error;

/// How OTLP is spoken. `http/json` is refused: what takes it takes `http/protobuf` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Http,
}

/// The signals that are exported, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Export {
    pub traces: Option<Protocol>,
    pub metrics: Option<Protocol>,
    pub logs: Option<Protocol>,
}

impl Export {
    pub(crate) fn any(self) -> bool {
        self.traces.is_some() || self.metrics.is_some() || self.logs.is_some()
    }
}

/// Gives a variable of the environment.
type Get<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What a variable's value has to be.
type Check = (&'static str, fn(&str) -> bool);

const URL: Check = ("an http:// or https:// URL", is_url);
const PROTOCOL: Check = ("grpc or http/protobuf (http/json is not spoken)", |text| protocol(text).is_some());
const COMPRESSION: Check = ("gzip or none", |text| matches!(text, "gzip" | "none"));
const PAIRS: Check = ("pairs as name=value, with commas between them", is_pairs);
const NUMBER: Check = ("a whole number above 0", |text| text.parse::<u32>().is_ok_and(|n| n > 0));
const BOOLEAN: Check =
    ("true or false", |text| text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"));
const EXPORTER: Check = ("otlp or none", |text| matches!(text, "otlp" | "none"));
const SAMPLER: Check = (
    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio",
    |text| {
        matches!(
            text.strip_prefix("parentbased_").unwrap_or(text),
            "always_on" | "always_off" | "traceidratio"
        )
    },
);
const RATIO: Check =
    ("a number from 0 to 1", |text| text.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio)));

/// Those of each signal, and with `OTEL_EXPORTER_OTLP_` alone of all.
const EXPORTERS: [(&str, Check); 6] = [
    ("ENDPOINT", URL),
    ("PROTOCOL", PROTOCOL),
    ("COMPRESSION", COMPRESSION),
    ("HEADERS", PAIRS),
    ("TIMEOUT", NUMBER),
    ("INSECURE", BOOLEAN),
];

const OTHERS: [(&str, Check); 16] = [
    ("OTEL_TRACES_EXPORTER", EXPORTER),
    ("OTEL_METRICS_EXPORTER", EXPORTER),
    ("OTEL_LOGS_EXPORTER", EXPORTER),
    ("OTEL_RESOURCE_ATTRIBUTES", PAIRS),
    ("OTEL_TRACES_SAMPLER", SAMPLER),
    ("OTEL_TRACES_SAMPLER_ARG", RATIO),
    ("OTEL_METRIC_EXPORT_INTERVAL", NUMBER),
    ("OTEL_METRIC_EXPORT_TIMEOUT", NUMBER),
    ("OTEL_BSP_SCHEDULE_DELAY", NUMBER),
    ("OTEL_BSP_EXPORT_TIMEOUT", NUMBER),
    ("OTEL_BSP_MAX_QUEUE_SIZE", NUMBER),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", NUMBER),
    ("OTEL_BLRP_SCHEDULE_DELAY", NUMBER),
    ("OTEL_BLRP_EXPORT_TIMEOUT", NUMBER),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", NUMBER),
    ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", NUMBER),
];

/// Looks at all of them; nothing is exported where no endpoint is set, or with `OTEL_SDK_DISABLED=true`.
///
/// # Errors
/// [`Error::Variable`] names the one that is wrong.
pub(crate) fn read(get: Get<'_>) -> Result<Export, Error> {
    let disabled = checked("OTEL_SDK_DISABLED", BOOLEAN, get)?;
    if disabled.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return Ok(Export::default());
    }
    for (name, check) in OTHERS {
        checked(name, check, get)?;
    }
    let sampler = checked("OTEL_TRACES_SAMPLER", SAMPLER, get)?;
    if sampler.is_some_and(|sampler| sampler.ends_with("traceidratio"))
        && checked("OTEL_TRACES_SAMPLER_ARG", RATIO, get)?.is_none()
    {
        return Err(Error::Variable { name: "OTEL_TRACES_SAMPLER_ARG".to_owned(), expected: RATIO.0 });
    }
    Ok(Export {
        traces: signal("TRACES", get)?,
        metrics: signal("METRICS", get)?,
        logs: signal("LOGS", get)?,
    })
}

fn signal(signal: &str, get: Get<'_>) -> Result<Option<Protocol>, Error> {
    let mut of_signal = [const { None }; EXPORTERS.len()];
    for (at, (part, check)) in EXPORTERS.into_iter().enumerate() {
        let of_all = checked(&format!("OTEL_EXPORTER_OTLP_{part}"), check, get)?;
        of_signal[at] = checked(&format!("OTEL_EXPORTER_OTLP_{signal}_{part}"), check, get)?.or(of_all);
    }
    let [endpoint, by, ..] = of_signal;
    let off = checked(&format!("OTEL_{signal}_EXPORTER"), EXPORTER, get)?.as_deref() == Some("none");
    Ok((endpoint.is_some() && !off).then(|| by.and_then(|by| protocol(&by)).unwrap_or(Protocol::Http)))
}

/// A variable that is set to something is checked; set to nothing, it is not set.
fn checked(name: &str, (expected, is_right): Check, get: Get<'_>) -> Result<Option<String>, Error> {
    let Some(value) = get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let wrong = || Error::Variable { name: name.to_owned(), expected };
    let text = value.into_string().map_err(|_| wrong())?;
    if is_right(&text) { Ok(Some(text)) } else { Err(wrong()) }
}

fn protocol(text: &str) -> Option<Protocol> {
    match text {
        "grpc" => Some(Protocol::Grpc),
        "http/protobuf" => Some(Protocol::Http),
        _ => None,
    }
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_pairs(text: &str) -> bool {
    let mut pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    pairs.all(|pair| pair.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn reading(variables: &[(&str, &str)]) -> Result<Export, String> {
        let get = |name: &str| {
            variables.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(*value))
        };
        read(&get).map_err(|error| error.to_string())
    }

    const HERE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    #[test]
    fn what_has_an_endpoint_is_exported_by_http_unless_another_protocol_is_set() {
        let all = |by| Export { traces: Some(by), metrics: Some(by), logs: Some(by) };
        assert_eq!(reading(&[]).unwrap(), Export::default());
        assert_eq!(reading(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap(), Export::default());
        assert_eq!(reading(&[HERE]).unwrap(), all(Protocol::Http));
        assert_eq!(reading(&[HERE, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap(), all(Protocol::Grpc));
        assert_eq!(reading(&[HERE, ("OTEL_SDK_DISABLED", "True")]).unwrap(), Export::default());
        let mixed = [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example.com/v1/traces"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"),
        ];
        let traces = Export { traces: Some(Protocol::Grpc), ..Export::default() };
        assert_eq!(reading(&mixed).unwrap(), traces);
        assert_eq!(reading(&[HERE, ("OTEL_LOGS_EXPORTER", "none")]).unwrap().logs, None);
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http"),
            ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "smoke"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a secret alone"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zip"),
            ("OTEL_TRACES_SAMPLER", "sometimes"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "0"),
            ("OTEL_SDK_DISABLED", "perhaps"),
            ("OTEL_TRACES_EXPORTER", "zipkin"),
        ] {
            let said = reading(&[(name, value)]).unwrap_err();
            assert!(said.starts_with(&format!("{name}: expected ")), "{said}");
        }
        assert!(reading(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]).is_err());
        let said = reading(&[("OTEL_EXPORTER_OTLP_HEADERS", "a secret alone")]).unwrap_err();
        assert!(!said.contains("secret"), "{said}");
        let said = reading(&[("OTEL_TRACES_SAMPLER", "traceidratio")]).unwrap_err();
        assert!(said.starts_with("OTEL_TRACES_SAMPLER_ARG: "), "{said}");
    }

    #[test]
    fn the_examples_in_deploy_are_understood() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/otel/own");
        let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 6);
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let variables: Vec<_> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
            let export = reading(&variables).unwrap();
            assert!(export.traces.is_some(), "{}", file.display());
        }
    }
}
