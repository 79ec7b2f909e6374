//! What `deploy/otel` gives to copy is right.

use std::path::{Path, PathBuf};
use std::time::Duration;

use egress::Reach;
use plans::Plan;
use reqwest::Method;
use serde_json::Value;
use telemetry::Telemetry;

use crate::harness::{TestApp, chat, until};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../otel")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Each series that is asked for, and the labels that it is added up by.
fn asked(expression: &str) -> Vec<(&str, Vec<&str>)> {
    let labels =
        expression.split(" by (").skip(1).flat_map(|rest| rest.split(')').next().unwrap().split(", "));
    let labels: Vec<_> = labels.collect();
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let before = expression.match_indices('{').map(|(at, _)| &expression[..at]);
    before.map(|text| (text.rsplit(|c| !is_of_a_name(c)).next().unwrap(), labels.clone())).collect()
}

#[tokio::test]
async fn the_destinations_are_taken_as_they_are() {
    // As they stand, some are on a network of one's own.
    let app = TestApp::with(|settings| settings.gateway.allow_private_hosts = Reach::Private).await;
    let org = app.org(Plan::Developer).await;
    let files: Vec<_> = std::fs::read_dir(folder().join("destinations")).unwrap().collect();
    assert_eq!(files.len(), 6);
    for file in files {
        let path = file.unwrap().path();
        let request = org.admin().request(Method::POST, "/v1/otel/destinations").json(&json(&path));
        let response = request.send().await.unwrap();
        let status = response.status();
        assert_eq!(status, 200, "{}: {}", path.display(), response.text().await.unwrap());
    }
}

/// Every number of the process itself, for some of them are of what seldom happens.
fn counted() -> String {
    let metrics = Telemetry::unexported("turnpike").metrics;
    metrics.batch_failed(Duration::ZERO);
    metrics.ledger_failed();
    metrics.ledger_corrected();
    metrics.job_ran("retention", "done", Duration::ZERO);
    metrics.scrape().unwrap()
}

#[tokio::test]
async fn the_dashboard_asks_for_numbers_that_there_are() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap().bytes().await.unwrap();
    org.rows("", 1).await;
    let dashboard = json(&folder().join("grafana-dashboard.json"));
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    let expressions: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    let asked: Vec<_> = expressions.iter().flat_map(|expression| asked(expression)).collect();
    assert!(asked.len() >= expressions.len() && expressions.len() > 20);
    let text = until("the log is counted", || async {
        let text = app.http.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
        text.contains("turnpike_shipper_batches_total").then_some(text)
    })
    .await;
    let text = text + &counted();
    for (name, labels) in asked {
        let mut series = text.lines().filter(|line| line.split([' ', '{']).next() == Some(name));
        // `instance` is Prometheus' own, and so is `job`: ours gets another name from it.
        let labels = labels.iter().filter(|label| **label != "instance");
        let labels: Vec<_> =
            labels.map(|label| format!("{}=\"", label.trim_start_matches("exported_"))).collect();
        let is_there = series.any(|line| labels.iter().all(|label| line.contains(label)));
        assert!(is_there, "{name} by {labels:?}: {text}");
    }
}
