//! Every strategy, retries and time-outs.

use super::*;

fn strategy(strategy: impl Into<Value>, targets: impl Into<Value>) -> Value {
    json!({"strategy": strategy.into(), "targets": targets.into()})
}

fn balanced(targets: impl Into<Value>) -> Value {
    strategy(json!({"mode": "loadbalance"}), targets)
}

fn falling_back(targets: impl Into<Value>) -> Value {
    strategy(json!({"mode": "fallback"}), targets)
}

fn fallbacks(provider: &Provider, org: &Org<'_>) -> Vec<Step> {
    let targets = |told: [(&str, &str); 2]| {
        told.map(|(name, statuses)| provider.target(org, name, statuses, json!({}))).to_vec()
    };
    let on_429 = |told| strategy(json!({"mode": "fallback", "on_status_codes": [429]}), targets(told));
    let any = |told| falling_back(targets(told));
    let steps = vec![
        Step::of("fallback", any([("down", "500"), ("up", "200")]), 200, "from up 1")
            .attempts(&[("config.targets[0]", 0, Some(500)), ("config.targets[1]", 0, Some(200))]),
        Step::of("fallback of a stream", any([("down-s", "503"), ("up-s", "200")]), 200, "from up-s 1")
            .call(json!({"is_streamed": true}))
            .attempts(&[("config.targets[0]", 0, Some(503)), ("config.targets[1]", 0, Some(200))]),
        Step::of("fallback used up", any([("down-1", "400"), ("down-2", "502")]), 502, "from down-2 1")
            .attempts(&[("config.targets[0]", 0, Some(400)), ("config.targets[1]", 0, Some(502))]),
        Step::of("fallback on 429", on_429([("busy", "429"), ("idle", "200")]), 200, "from idle 1")
            .attempts(&[("config.targets[0]", 0, Some(429)), ("config.targets[1]", 0, Some(200))]),
        Step::of("no fallback on 400", on_429([("wrong", "400"), ("never", "200")]), 400, "from wrong 1")
            .attempts(&[("config.targets[0]", 0, Some(400))]),
    ];
    steps.into_iter().map(|step| step.labels(&[("fallback", "Fallback Active")])).collect()
}

fn balances(provider: &Provider, org: &Org<'_>) -> Vec<Step> {
    let weighed = |name: &str, weight| provider.target(org, name, "200", json!({"weight": weight}));
    let plain = |name: &str, statuses| provider.target(org, name, statuses, json!({}));
    let canary = with(falling_back(vec![plain("new", "500"), plain("old", "200")]), json!({"weight": 1}));
    let steps = vec![
        Step::of("load balance", balanced(vec![weighed("none", 0), weighed("all", 1)]), 200, "from all 1")
            .attempts(&[("config.targets[1]", 0, Some(200))]),
        Step::of("nested", balanced(vec![weighed("rest", 0), canary]), 200, "from old 1").attempts(&[
            ("config.targets[1].targets[0]", 0, Some(500)),
            ("config.targets[1].targets[1]", 0, Some(200)),
        ]),
    ];
    steps.into_iter().map(|step| step.labels(&[("loadbalance", "Loadbalancer Active")])).collect()
}

fn choices(provider: &Provider, org: &Org<'_>) -> Vec<Step> {
    let named = |name: &str| provider.target(org, name, "200", json!({"name": name}));
    let single = strategy(json!({"mode": "single"}), vec![named("one"), named("never")]);
    let condition = json!({"query": {"metadata.tier": {"$eq": "paid"}}, "then": "paid"});
    let conditional = json!({"mode": "conditional", "conditions": [condition], "default": "free"});
    let conditional = strategy(conditional, vec![named("paid"), named("free")]);
    vec![
        Step::of("alone", named("alone"), 200, "from alone 1").attempts(ASKED),
        Step::of("single", single, 200, "from one 1").attempts(&[("config.targets[0]", 0, Some(200))]),
        Step::of("conditional", conditional.clone(), 200, "from paid 1")
            .call(json!({"metadata": {"tier": "paid"}}))
            .attempts(&[("config.targets[0]", 0, Some(200))]),
        Step::of("conditional by default", conditional, 200, "from free 1").attempts(&[(
            "config.targets[1]",
            0,
            Some(200),
        )]),
    ]
}

#[tokio::test]
async fn each_strategy_answers_the_sdk_and_is_in_the_log() {
    let steps = |provider: &Provider, org: &Org<'_>| {
        [fallbacks, balances, choices].into_iter().flat_map(|steps| steps(provider, org)).collect()
    };
    walk(steps, async |_, _| {}).await;
}

#[tokio::test]
async fn a_user_stays_where_he_was() {
    const USERS: usize = 8;
    const NAMES: [&str; 2 * USERS] =
        ["0", "1", "2", "3", "4", "5", "6", "7", "0b", "1b", "2b", "3b", "4b", "5b", "6b", "7b"];
    let app = TestApp::start().await;
    let provider = Provider::start().await;
    for sdk in SDKS {
        let org = app.org(Plan::Developer).await;
        let sticky = json!({"enabled": true, "hash_fields": ["metadata._user"], "ttl": 3600});
        let targets = ["a", "b", "c", "d"].map(|name| provider.target(&org, name, "200", json!({})));
        let config = strategy(json!({"mode": "loadbalance", "sticky": sticky}), targets.to_vec());
        let call = |(at, name)| {
            let user = json!({"_user": format!("user-{}", at % USERS)});
            json!({"content": "hi", "trace_id": name, "config": config, "metadata": user})
        };
        let calls = NAMES.iter().enumerate().map(call).collect();
        sdk.run(&org, "openai", &["walk"], &calls).await;
        let rows = org.rows("", NAMES.len()).await;
        let mut used = Vec::new();
        for name in NAMES {
            let row = rows.iter().find(|row| row["trace_id"] == name).unwrap();
            let log = org.log(row["id"].as_str().unwrap()).await;
            used.push(log["response"]["lastUsedOptionJsonPath"].as_str().unwrap().to_owned());
        }
        let (first, again) = used.split_at(USERS);
        assert_eq!(first, again, "{sdk:?}");
        assert!(first.iter().any(|path| *path != first[0]), "{sdk:?}: all users went to {first:?}");
    }
}

#[tokio::test]
async fn retries_and_time_outs_are_the_gateways_and_what_is_left_of_them_is_raised() {
    let steps = |provider: &Provider, org: &Org<'_>| {
        let retrying = |name: &str, statuses: &str| {
            provider.target(org, name, statuses, json!({"retry": {"attempts": 2}}))
        };
        let slow = |name: &str, more| {
            with(provider.target(org, name, "silent", json!({"request_timeout": 50})), more)
        };
        vec![
            Step::of("succeeds", retrying("flaky", "429,503,200"), 200, "from flaky 3")
                .attempts(&[("config", 0, Some(429)), ("config", 1, Some(503)), ("config", 2, Some(200))])
                .labels(&[("retry", "Retry Success on 2 Tries")]),
            Step::of("succeeds with a stream", retrying("flaky-s", "503,200"), 200, "from flaky-s 2")
                .call(json!({"is_streamed": true}))
                .attempts(&[("config", 0, Some(503)), ("config", 1, Some(200))])
                .labels(&[("retry", "Retry Success on 1 Tries")]),
            Step::of("used up", retrying("busy", "429"), 429, "from busy 3")
                .attempts(&[("config", 0, Some(429)), ("config", 1, Some(429)), ("config", 2, Some(429))])
                .labels(&[("retry", "Retry Failed")]),
            Step::of("not to be retried", retrying("wrong", "400"), 400, "from wrong 1").attempts(&[(
                "config",
                0,
                Some(400),
            )]),
            Step::of("too late", slow("silent", json!({})), 408, "timeout_error")
                .attempts(&[("config", 0, None)]),
            Step::of(
                "too late again",
                slow("silent-2", json!({"retry": {"attempts": 1, "on_status_codes": [408]}})),
                408,
                "timeout_error",
            )
            .attempts(&[("config", 0, None), ("config", 1, None)])
            .labels(&[("retry", "Retry Failed")]),
        ]
    };
    walk(steps, async |_, _| {}).await;
}

#[tokio::test]
async fn what_an_sdk_asks_again_by_itself_is_another_call() {
    let app = TestApp::start().await;
    let provider = Provider::start().await;
    for sdk in SDKS.into_iter().filter(|sdk| sdk.is_openai()) {
        let org = app.org(Plan::Developer).await;
        let config = provider.target(&org, "flaky", "429,200", json!({}));
        let calls = json!([{"content": "hi", "trace_id": "t", "config": config, "max_retries": 1}]);
        let answers = sdk.run(&org, "openai", &["walk"], &calls).await;
        assert_eq!(answers[0]["returned"]["choices"][0]["message"]["content"], "from flaky 2", "{sdk:?}");
        let rows = org.rows("trace_id=t", 2).await;
        let statuses: Vec<_> = rows.iter().map(|row| &row["response_status_code"]).collect();
        assert!(statuses.contains(&&json!(429)) && statuses.contains(&&json!(200)), "{sdk:?}: {rows:?}");
    }
}
