//! Every verdict of a guardrail.

use super::*;

/// Where a guardrail stands in a config, and its results in an answer.
const PHASES: [(&str, &str); 2] =
    [("input_guardrails", "before_request_hooks"), ("output_guardrails", "after_request_hooks")];

/// What comes of a call, and the status of its answer.
const VERDICTS: [(&str, u16); 5] =
    [("pass", 200), ("deny", 446), ("warn", 246), ("warn-stream", 246), ("async", 200)];

const NAMES: [[&str; 5]; 2] = [
    ["in-pass", "in-deny", "in-warn", "in-warn-stream", "in-async"],
    ["out-pass", "out-deny", "out-warn", "out-warn-stream", "out-async"],
];

/// All verdicts on the question, which is `hi`, and on the answer, which begins with `from`.
fn steps(provider: &Provider, org: &Org<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    for (((part, _), names), seen) in PHASES.iter().zip(NAMES).zip(["hi", "from"]) {
        for ((verdict, status), name) in VERDICTS.into_iter().zip(names) {
            let guardrail = json!({
                "default.contains": {"words": [if verdict == "pass" { "absent" } else { seen }], "operator": "none"},
                "id": name, "deny": !verdict.starts_with("warn"), "async": verdict == "async",
            });
            let config = provider.target(org, name, "200", json!({*part: [guardrail]}));
            let says = if status == 446 { "hooks_failed".to_owned() } else { format!("from {name} 1") };
            let step = Step::of(name, config, status, says);
            let step = step.call(json!({"is_streamed": verdict == "warn-stream"}));
            // A question that is denied is none to the provider.
            steps.push(step.attempts(if name == "in-deny" { UNASKED } else { ASKED }));
        }
    }
    steps
}

#[tokio::test]
async fn each_verdict_reaches_the_sdk_and_the_log() {
    walk(steps, async |org, outcomes| {
        for (phase, outcomes) in PHASES.iter().map(|(_, phase)| phase).zip(outcomes.chunks(VERDICTS.len())) {
            for ((verdict, _), outcome) in VERDICTS.iter().zip(outcomes) {
                let what = format!("{phase} {verdict} of {:?}: {}", outcome.sdk, outcome.answer);
                let id = outcome.log["_id"].as_str().unwrap();
                // What nobody waits for comes into the log later.
                let logged = until("the verdict is in the log", || async {
                    let results = org.log(id).await["hook_results"][phase][0].clone();
                    results.is_object().then_some(results)
                })
                .await;
                assert_eq!(logged["verdict"], *verdict == "pass", "{what}");
                assert_eq!(logged["async"], *verdict == "async", "{what}");
                let told = &outcome.answer["returned"]["hook_results"][phase][0];
                match *verdict {
                    "pass" | "warn" => assert_eq!(told["verdict"], *verdict == "pass", "{what}"),
                    _ => assert_eq!(told, &Value::Null, "{what}"),
                }
            }
        }
    })
    .await;
}
