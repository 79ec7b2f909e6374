//! Exemplars: of each bucket of a histogram the trace of a request that fell into it, in OpenMetrics' text format.
//!
//! The SDK gives none (0.33 leaves them empty, by OTLP and for Prometheus alike), and Prometheus' older text format has no place
//! for them. So they are kept beside the histograms and joined with their lines when somebody asks in OpenMetrics. Source:
//! OpenMetrics 1.0, *Exemplars*.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, TraceId};

/// A span that is exported, as metrics name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
}

/// The latest of each bucket, under the bucket's series as the text format writes it.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(Mutex<HashMap<String, String>>);

impl Exemplars {
    /// `seconds` were measured in `place`. `histogram` is the name without its unit.
    pub(crate) fn note(
        &self,
        histogram: &str,
        buckets: &[f64],
        seconds: f64,
        attributes: &[KeyValue],
        place: Place,
    ) {
        let series = series(histogram, buckets, seconds, attributes);
        let Place { trace, span } = place;
        let exemplar = format!("{{trace_id=\"{trace}\",span_id=\"{span}\"}} {seconds}");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(series, exemplar);
    }

    /// What Prometheus' text format says, in OpenMetrics': with exemplars, counters named without their suffix, and an end.
    pub(crate) fn join(&self, text: &str) -> String {
        let exemplars = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counters =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix("_total counter"));
        let counters: Vec<&str> = counters.collect();
        let mut joined = String::with_capacity(text.len() + 128 * exemplars.len());
        for line in text.lines() {
            let about = line.strip_prefix("# ").and_then(|line| line.split_once(' '));
            let named = about.and_then(|(keyword, rest)| {
                let (name, what) = rest.split_once(' ')?;
                let name = name.strip_suffix("_total").filter(|name| counters.contains(name))?;
                Some(format!("# {keyword} {name} {what}"))
            });
            joined.push_str(named.as_deref().unwrap_or(line));
            let series = line.rsplit_once(' ').map(|(series, _)| series);
            if let Some(exemplar) = series.and_then(|series| exemplars.get(series)) {
                joined.push_str(" # ");
                joined.push_str(exemplar);
            }
            joined.push('\n');
        }
        joined.push_str("# EOF\n");
        joined
    }
}

/// The series of the bucket that `seconds` fall into; its labels are in the order of their names.
fn series(histogram: &str, buckets: &[f64], seconds: f64, attributes: &[KeyValue]) -> String {
    let mut labels: Vec<_> =
        attributes.iter().map(|of| (of.key.as_str().replace('.', "_"), of.value.as_str())).collect();
    labels.sort_unstable();
    let mut series = format!("{}_seconds_bucket{{", histogram.replace('.', "_"));
    for (name, value) in labels {
        let _ = write!(series, "{name}=\"{value}\",");
    }
    let bound = buckets.iter().find(|bound| seconds <= **bound);
    let bound = bound.map_or_else(|| "+Inf".to_owned(), f64::to_string);
    let _ = write!(series, "le=\"{bound}\"}}");
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place =
        Place { trace: TraceId::from_bytes([0xab; 16]), span: SpanId::from_bytes([0xcd; 8]) };

    #[test]
    fn an_exemplar_stands_at_the_bucket_that_its_value_falls_into() {
        let text = "# HELP a_seconds About a.\n# TYPE a_seconds histogram\n\
            a_seconds_bucket{x_y=\"1\",z=\"2\",le=\"0.5\"} 0\na_seconds_bucket{x_y=\"1\",z=\"2\",le=\"1\"} 1\n\
            a_seconds_bucket{x_y=\"1\",z=\"2\",le=\"+Inf\"} 2\na_seconds_sum{x_y=\"1\",z=\"2\"} 9\n\
            # HELP b_total About b_total.\n# TYPE b_total counter\nb_total 3\n# TYPE c_total gauge\nc_total 1\n";
        let exemplars = Exemplars::default();
        let attributes = [KeyValue::new("z", 2_i64), KeyValue::new("x.y", "1")];
        for seconds in [0.75, 1.0, 8.0] {
            exemplars.note("a", &[0.5, 1.0], seconds, &attributes, PLACE);
        }
        let id = format!("{{trace_id=\"{}\",span_id=\"{}\"}}", "ab".repeat(16), "cd".repeat(8));
        let expected = format!(
            "# HELP a_seconds About a.\n# TYPE a_seconds histogram\n\
            a_seconds_bucket{{x_y=\"1\",z=\"2\",le=\"0.5\"}} 0\n\
            a_seconds_bucket{{x_y=\"1\",z=\"2\",le=\"1\"}} 1 # {id} 1\n\
            a_seconds_bucket{{x_y=\"1\",z=\"2\",le=\"+Inf\"}} 2 # {id} 8\na_seconds_sum{{x_y=\"1\",z=\"2\"}} 9\n\
            # HELP b About b_total.\n# TYPE b counter\nb_total 3\n# TYPE c_total gauge\nc_total 1\n# EOF\n"
        );
        assert_eq!(exemplars.join(text), expected);
    }
}
