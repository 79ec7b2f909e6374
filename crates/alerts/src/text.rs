//! An alert in words: what happened, what it means, and what may be done.

use entity::alert;

use crate::Kind;

/// An e-mail's.
pub(crate) struct Text {
    pub subject: String,
    pub body: String,
}

/// An alert of the organisation that is called so.
pub(crate) fn of(alert: &alert::Model, organisation: &str) -> Text {
    let (happened, means, may) = match Kind::of(alert) {
        Some(kind) => words(kind, alert),
        None => (format!("there is an alert ({})", alert.kind), "", ""),
    };
    // A name of several lines would end the subject, or pass for a line of ours.
    let name = organisation.lines().collect::<Vec<_>>().join(" ");
    let said = [format!("{name}: {happened}.").as_str(), means, may].map(str::to_owned);
    let figures = alert.data.as_object().into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!("{}: {value}", name.replace('_', " "))
    });
    let about = [format!("Organisation: {}", alert.organisation_id), format!("Period: {}", alert.period)];
    let about = about.into_iter().chain(figures).collect::<Vec<_>>().join("\n");
    let readers = match Kind::of(alert) {
        Some(Kind::Budget) => "the owners and admins of the organisation, and to those that its key names",
        Some(Kind::Rotation) => "the owners of the organisation, and to those that its key names",
        _ => "the owners of the organisation",
    };
    let end = format!("This was sent to {readers}. All alerts: GET /v1/billing/alerts\n");
    let paragraphs = said.into_iter().chain([about, end]).filter(|text| !text.is_empty());
    Text {
        subject: format!("[Turnpike] {name}: {happened}"),
        body: paragraphs.collect::<Vec<_>>().join("\n\n"),
    }
}

/// What happened, what it means, what may be done.
fn words(kind: Kind, alert: &alert::Model) -> (String, &'static str, &'static str) {
    let (period, threshold) = (&alert.period, alert.threshold);
    match kind {
        Kind::Allowance if threshold < 100 => (
            format!("{threshold} % of the logs included in {period} are used"),
            "All is recorded as ever. When all included logs are used, a plan with overage goes on in blocks at the plan's \
             price, up to the cap that you set; a plan without overage records no more until the month ends.",
            "GET /v1/usage shows where you stand and what the month will cost; PUT /v1/billing/plan changes the plan.",
        ),
        Kind::Allowance => (
            format!("the logs included in {period} are used up"),
            "A plan with overage goes on in blocks at the plan's price, up to the cap that you set. On a plan without, calls \
             go on and are not recorded (or are refused, where you chose so) until the month ends.",
            "GET /v1/usage shows where you stand; PUT /v1/billing/plan changes the plan, and what it includes counts at once.",
        ),
        Kind::Block => (
            format!("block {threshold} of overage was opened in {period}"),
            "The logs before it are used, and recording goes on in the new block, which is on the month's invoice.",
            "PUT /v1/billing/caps limits how many blocks a month may open, in blocks or in USD.",
        ),
        Kind::Limit => (
            format!("the limit of {period} is reached: nothing more is recorded"),
            "Calls go on (or are refused, where you chose so), are not recorded, and are counted as dropped until the month \
             ends.",
            "Raise the cap with PUT /v1/billing/caps, change the plan with PUT /v1/billing/plan, or ask for Enterprise where \
             the plan has no more.",
        ),
        Kind::Budget if threshold < 100 => (
            format!("{threshold} % of the budget of {} is spent", subject(alert)),
            "Calls go on. When all of it is spent they are refused with 412 until its period ends.",
            "Raise the budget where it is set, or start its period again with reset_usage.",
        ),
        Kind::Budget => (
            format!("the budget of {} is spent", subject(alert)),
            "Calls that it is for are refused with 412 until its period ends.",
            "Raise the budget where it is set, or start its period again with reset_usage.",
        ),
        Kind::Standing => (
            "the standing of its account has changed".to_owned(),
            "While an invoice is past due calls go on as ever; after that logs can be read only, and then the organisation is \
             suspended. A payment sets it right.",
            "GET /v1/billing/plan shows the standing, GET /v1/billing/invoices what is open.",
        ),
        Kind::Rotation => (
            format!("{} is due to have another secret", subject(alert)),
            "Its rotation policy says so. The secret that it has works until the key is rotated, and then for the policy's \
             transition beside the new one.",
            "POST /v1/api-keys/{id}/rotate gives it a new secret; PUT /v1/api-keys/{id} changes its rotation_policy.",
        ),
    }
}

/// As `key 0190…`.
fn subject(alert: &alert::Model) -> String {
    alert.subject.replacen(':', " ", 1)
}

#[cfg(test)]
mod tests {
    use sea_orm::prelude::Uuid;
    use serde_json::json;

    use super::*;

    fn alert(kind: &str, threshold: i32) -> alert::Model {
        alert::Model {
            id: Uuid::nil(),
            organisation_id: Uuid::nil(),
            kind: kind.to_owned(),
            subject: "key:7".to_owned(),
            period: "2026-11".to_owned(),
            threshold,
            data: json!({"used_logs": 80_000, "plan": "production"}),
            created_at: 0,
            announced_at: None,
        }
    }

    #[test]
    fn each_kind_says_what_happened_on_one_line_and_its_figures() {
        for (kind, threshold, says) in [
            ("allowance", 80, "80 % of the logs included in 2026-11 are used"),
            ("allowance", 100, "the logs included in 2026-11 are used up"),
            ("block", 3, "block 3 of overage was opened in 2026-11"),
            ("limit", 100, "the limit of 2026-11 is reached"),
            ("budget", 75, "75 % of the budget of key 7 is spent"),
            ("budget", 100, "the budget of key 7 is spent"),
            ("standing", 1, "the standing of its account has changed"),
            ("rotation", 0, "key 7 is due to have another secret"),
            ("of-tomorrow", 1, "there is an alert (of-tomorrow)"),
        ] {
            let text = of(&alert(kind, threshold), "Acme\r\nBcc: all@example.com");
            assert!(text.subject.starts_with("[Turnpike] Acme Bcc: all@example.com: "), "{}", text.subject);
            assert!(text.subject.contains(says) && text.body.contains(says), "{}", text.body);
            assert!(!text.subject.contains(['\r', '\n']));
            assert!(text.body.contains("used logs: 80000\nplan: production\n"), "{}", text.body);
        }
    }
}
