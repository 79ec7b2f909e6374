//! Prices as operators have them: added beside a running server, adjusted for an organisation, and put right on past logs.

use std::path::Path;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Process, chat, until};

/// What `echo` costs in these tests; it is free otherwise.
const OWN: &str = "[providers.echo.models]\n\"*\" = { input = \"1\", output = \"3\" }\n";

struct World {
    dir: TempDir,
    server: Process,
    db: DatabaseConnection,
    organisation: String,
    key: String,
}

fn says(dir: &Path, args: &[&str]) -> String {
    let output = Process::run(dir, &[], args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl World {
    async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let server = Process::serve(dir.path(), &[("TURNPIKE_SHIPPER__PRICES_EVERY_MS", "10")]);
        let args =
            ["org", "create", "--name", "Acme", "--plan", "enterprise", "--owner-email", "o@example.com"];
        let made = Process::cli(dir.path(), &args);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let db = Process::database(dir.path()).await;
        Self { organisation: text("organisation_id"), key: text("api_key"), dir, server, db }
    }

    async fn call(&self) {
        let before = self.number("SELECT count(*) FROM log").await;
        let request = reqwest::Client::new().post(format!("http://{}/v1/chat/completions", self.server.addr));
        let request = request.header("x-portkey-api-key", &self.key).header("x-portkey-provider", "echo");
        let answer = request.json(&chat("one two three")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        until("the call is in the store", || async {
            (self.number("SELECT count(*) FROM log").await > before).then_some(())
        })
        .await;
    }

    async fn number(&self, sql: &str) -> i64 {
        let sql = format!("SELECT CAST(coalesce(({sql}), 0) AS bigint) AS n");
        let row = self.db.query_one_raw(Statement::from_string(self.db.get_database_backend(), sql)).await;
        row.unwrap().unwrap().try_get("", "n").unwrap()
    }

    /// What all logs cost, which is what the statistics say and what the corrections made of them.
    async fn cost(&self) -> i64 {
        let cost = self.number("SELECT sum(cost_pusd) FROM log").await;
        assert_eq!(self.number("SELECT sum(cost_pusd) FROM usage_hourly").await, cost);
        cost
    }

    fn recost(&self, more: &[&str]) -> Value {
        let args = ["prices", "recost", "--from", "2020-01-01T00:00:00Z"];
        Process::cli(self.dir.path(), &[&args, more].concat())
    }
}

#[tokio::test]
async fn prices_are_added_adjusted_and_past_costs_are_put_right_once() {
    let world = World::new().await;
    let dir = world.dir.path();
    for _ in 0..3 {
        world.call().await;
    }
    assert_eq!(world.cost().await, 0);
    let file = dir.join("ours.toml");
    std::fs::write(&file, OWN).unwrap();
    let import = ["prices", "import", file.to_str().unwrap()];
    let checked = says(dir, &[&import[..], &["--check"]].concat());
    assert!(checked.contains("echo/*  0 in, 0 out -> 1 in, 3 out"), "{checked}");
    assert!(checked.contains("Only checked: the version would be "), "{checked}");
    assert_eq!(world.number("SELECT count(*) FROM price_list").await, 0);
    assert!(says(dir, &import).contains(" overrides ours\n"));
    assert!(says(dir, &import).contains("Nothing new"));

    // Past logs are as they were; the server has seen the prices without a restart.
    until("the server costs by the new prices", || async {
        world.call().await;
        (world.cost().await > 0).then_some(())
    })
    .await;
    let free = world.number("SELECT count(*) FROM log WHERE cost_pusd = 0").await;
    assert!(free >= 3, "{free}");
    let estimated = world.recost(&["--dry-run", "--organisation", &world.organisation]);
    let done = world.recost(&[]);
    assert_eq!(
        (&done["corrected"], &done["delta_pusd"]),
        (&json!(free), &estimated["delta_pusd"]),
        "{done} {estimated}"
    );
    let expected = "SELECT sum(input_tokens) * 1000000 + sum(output_tokens) * 3000000 FROM log";
    assert_eq!(world.cost().await, world.number(expected).await);
    assert_eq!(world.number("SELECT sum(delta_pusd) FROM cost_correction").await, done["delta_pusd"]);
    assert_eq!(world.number("SELECT count(DISTINCT prices_version) FROM log").await, 1);
    assert_eq!(world.recost(&[])["logs"], 0, "twice is once");

    let full = world.cost().await;
    let adjust = ["prices", "adjust", "--organisation", &world.organisation, "--multiply", "0.5"];
    let adjusted = Process::cli(dir, &adjust);
    let listed: Value = serde_json::from_str(&says(dir, &["prices", "adjustments"])).unwrap();
    assert_eq!((&listed["id"], &listed["multiply"]), (&adjusted["id"], &json!("0.5")));
    assert_eq!(world.recost(&[])["delta_pusd"], -full / 2);
    assert_eq!(world.cost().await, full - full / 2);
    Process::cli(dir, &["prices", "withdraw", adjusted["id"].as_str().unwrap()]);
    assert_eq!(world.recost(&[])["delta_pusd"], full / 2);
    assert_eq!(world.cost().await, full);
    Process::reconcile(dir, &[]);
}

#[tokio::test]
async fn a_file_or_an_adjustment_that_cannot_be_taken_says_why() {
    let dir = TempDir::new().unwrap();
    Process::run(dir.path(), &[], &["migrate"]);
    let nobody = "11111111-1111-4111-8111-111111111111";
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (bad, unknown) =
        (file("bad.toml", "providers.x.models.m = { input = \"1\" }"), file("x.json", "{\"a\": {}}"));
    let model = r#"{"m": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.0001}, "web": {"price": 1}}}}}"#;
    let portkey = file("groq.json", model);
    for (args, why) in [
        (&["prices", "import", "none.json"][..], "none.json cannot be read"),
        (&["prices", "import", &bad], "input and output must be given"),
        (&["prices", "import", &unknown], "neither of Portkey's format"),
        (&["prices", "import", "--provider", "x", &bad], "leave --provider out"),
        (&["prices", "adjust", "--organisation", nobody, "--multiply", "2"], "there is no organisation"),
        (&["prices", "withdraw", nobody], "there is no adjustment"),
        (
            &["prices", "recost", "--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"],
            "--from must be before",
        ),
        (
            &["prices", "recost", "--from", "2026-01-02T00:00:00Z", "--organisation", nobody],
            "there is no organisation",
        ),
    ] {
        let output = Process::run(dir.path(), &[], args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains(why), "{args:?}: {said}");
    }
    // Whose a file of Portkey's is, its name says; what is left out is told.
    let said = says(dir.path(), &["prices", "import", &portkey]);
    assert!(said.contains("groq/m  none -> 1 in, 0 out"), "{said}");
    assert!(
        said.contains("left out: m: pricing_config.pay_as_you_go.web: there is no such price here"),
        "{said}"
    );
    assert!(said.contains(" import portkey groq\n"), "{said}");
}
