#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

/// Variables, the file, and how the error begins.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

fn from(env: &[(&str, &str)], toml: &str) -> Result<Settings, Error> {
    load_from(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())), Some(toml))
}

fn error(env: &[(&str, &str)], toml: &str) -> String {
    from(env, toml).unwrap_err().to_string()
}

#[test]
fn nothing_set_gives_the_defaults() {
    let settings = load_from([], None).unwrap();
    assert_eq!(settings.addr.to_string(), "127.0.0.1:8787");
    assert_eq!(settings.data_dir, PathBuf::from("./turnpike-data"));
    assert!(settings.database_url.is_none() && settings.redis_url.is_none() && settings.master_key.is_none());
    assert!(settings.public_url.is_none() && settings.workers.is_none() && settings.plans.is_empty());
    let gateway = settings.gateway;
    assert_eq!((gateway.max_body_bytes, gateway.connect_timeout.as_millis()), (33_554_432, 10_000));
    assert_eq!(
        (gateway.request_timeout.as_millis(), gateway.stream_idle_timeout.as_millis()),
        (600_000, 300_000)
    );
    assert_eq!(
        (gateway.allow_private_hosts, gateway.when_spool_full),
        (Reach::Loopback, WhenSpoolFull::Pass)
    );
    assert_eq!((gateway.key_cache_ttl.as_millis(), settings.auth.stale_max.as_millis()), (5_000, 900_000));
    let spool = settings.spool;
    assert_eq!((spool.max_bytes, spool.segment_bytes, spool.fsync), (1_073_741_824, 67_108_864, false));
    let log = settings.log;
    assert_eq!(
        (log.max_payload_bytes, log.level.as_str(), log.format),
        (1_048_576, "info", LogFormat::Pretty)
    );
    assert_eq!(settings.redis.timeout.as_millis(), 50);
    let cache = settings.cache;
    assert_eq!((cache.max_bytes, cache.max_entry_bytes), (67_108_864, 1_048_576));
    assert!(cache.redis_url.is_none());
    let shipper = settings.shipper;
    assert_eq!(
        (shipper.batch_records, shipper.batch_bytes, shipper.linger.as_millis()),
        (1000, 8_388_608, 20)
    );
    assert_eq!((settings.jobs.retention_cron.as_str(), settings.jobs.retention_chunk), ("0 * * * * *", 1000));
    assert!(cron::Schedule::try_from(settings.jobs.retention_cron.as_str()).is_ok());
}

#[test]
fn variables_go_before_the_file_and_the_file_before_the_defaults() {
    let toml = r#"
        addr = "0.0.0.0:1"
        data_dir = "from-file"
        [spool]
        fsync = true
        max_bytes = 99_000_000
        [plans.developer]
        included_logs = 20
        max_logs = 30
    "#;
    let env = [
        ("TURNPIKE_ADDR", "[::1]:2"),
        ("TURNPIKE_WORKERS", "3"),
        ("TURNPIKE_PUBLIC_URL", "https://gateway.example"),
        ("TURNPIKE_SPOOL__SEGMENT_BYTES", "4096"),
        ("TURNPIKE_GATEWAY__ALLOW_PRIVATE_HOSTS", "all"),
        ("TURNPIKE_GATEWAY__REQUEST_TIMEOUT_MS", "1500"),
        ("TURNPIKE_LOG__FORMAT", "json"),
        ("TURNPIKE_REDIS__TIMEOUT_MS", "20"),
        ("TURNPIKE_JOBS__RETENTION_CRON", "*/5 * * * * * *"),
        ("TURNPIKE_PLANS__DEVELOPER__INCLUDED_LOGS", "10"),
        ("TURNPIKE_PLANS__ENTERPRISE__LOG_RETENTION_DAYS", "400"),
        ("TURNPIKE_CONFIG", "elsewhere.toml"),
        ("PATH", "/bin"),
    ];
    let settings = from(&env, toml).unwrap();
    assert_eq!(
        (settings.addr.port(), settings.data_dir, settings.workers),
        (2, PathBuf::from("from-file"), Some(3))
    );
    assert_eq!(settings.public_url.as_deref(), Some("https://gateway.example"));
    assert_eq!(
        (settings.spool.fsync, settings.spool.max_bytes, settings.spool.segment_bytes),
        (true, 99_000_000, 4096)
    );
    assert_eq!(settings.gateway.allow_private_hosts, Reach::Private);
    assert_eq!(settings.gateway.request_timeout, Duration::from_millis(1500));
    assert_eq!(settings.redis.timeout, Duration::from_millis(20));
    assert_eq!(
        (settings.log.format, settings.jobs.retention_cron.as_str()),
        (LogFormat::Json, "*/5 * * * * * *")
    );
    let developer = Overrides { included_logs: Some(10), max_logs: Some(30), ..Overrides::default() };
    let enterprise = Overrides { log_retention_days: Some(400), ..Overrides::default() };
    assert_eq!(
        settings.plans,
        BTreeMap::from([(Plan::Developer, developer), (Plan::Enterprise, enterprise)])
    );
}

#[test]
fn a_variable_is_text_unless_its_setting_is_not() {
    let env = [
        ("TURNPIKE_DATA_DIR", "2026"),
        ("TURNPIKE_LOG__LEVEL", "true"),
        ("TURNPIKE_MASTER_KEY", "[12"),
        ("TURNPIKE_REDIS_URL", ""),
        ("TURNPIKE_SPOOL__FSYNC", "true"),
    ];
    let settings = from(&env, "").unwrap();
    assert_eq!((settings.data_dir, settings.log.level.as_str()), (PathBuf::from("2026"), "true"));
    assert_eq!(settings.master_key.unwrap().expose_secret(), "[12");
    assert!(settings.redis_url.is_none(), "set to nothing is not set");
    assert!(settings.spool.fsync);
}

#[test]
fn an_unknown_setting_is_named_as_it_was_written() {
    let cases: [Case; 7] = [
        (&[("TURNPIKE_ADRESS", "x")], "", "TURNPIKE_ADRESS: unknown field"),
        (&[("TURNPIKE_SPOOL__FSNC", "true")], "", "TURNPIKE_SPOOL__FSNC: unknown field"),
        (&[("TURNPIKE_SPOL__FSYNC", "true")], "", "TURNPIKE_SPOL__FSYNC: unknown field"),
        (&[("TURNPIKE_SPOOL__FSNC", "1")], "[spool]\nfsync = true", "TURNPIKE_SPOOL__FSNC: unknown field"),
        (
            &[("TURNPIKE_SPOOL__FSYNC", "1")],
            "[spool]\nfsnc = true",
            "spool.fsnc in turnpike.toml: unknown field",
        ),
        (&[], "colour = 1", "colour in turnpike.toml: unknown field"),
        (&[], "[plans.developer]\nlogs = 1", "plans.developer.logs in turnpike.toml: unknown field"),
    ];
    for (env, toml, expected) in cases {
        let error = error(env, toml);
        assert!(error.starts_with(expected), "{error}");
        assert!(error.contains("expected `"), "it says what is known: {error}");
    }
    let plan = error(&[("TURNPIKE_PLANS__GOLD__MAX_LOGS", "1")], "");
    assert!(plan.contains("TURNPIKE_PLANS__GOLD__MAX_LOGS") && plan.contains("developer"), "{plan}");
    let plan = error(&[], "[plans.developer]\nmax_logs = 1\n[plans.gold]\nmax_logs = 1");
    assert!(plan.contains("plans") && plan.contains("turnpike.toml") && plan.contains("`gold`"), "{plan}");
}

#[test]
fn a_malformed_setting_is_named_as_it_was_written() {
    let cases: [Case; 13] = [
        (&[("TURNPIKE_ADDR", "localhost")], "", "TURNPIKE_ADDR: invalid"),
        (&[("TURNPIKE_WORKERS", "0")], "", "TURNPIKE_WORKERS: found 0, expected a number over 0"),
        (
            &[("TURNPIKE_SPOOL__MAX_BYTES", "lots")],
            "",
            "TURNPIKE_SPOOL__MAX_BYTES: invalid type: found string \"lots\"",
        ),
        (&[("TURNPIKE_SPOOL__MAX_BYTES", "-1")], "", "TURNPIKE_SPOOL__MAX_BYTES: invalid value"),
        (&[("TURNPIKE_SPOOL__FSYNC", "maybe")], "", "TURNPIKE_SPOOL__FSYNC: invalid type"),
        (&[("TURNPIKE_SPOOL", "big")], "", "TURNPIKE_SPOOL: invalid type"),
        (
            &[("TURNPIKE_SHIPPER__LINGER_MS", "0")],
            "[shipper]\nbatch_bytes = 5",
            "TURNPIKE_SHIPPER__LINGER_MS: found 0",
        ),
        (
            &[("TURNPIKE_SHIPPER__LINGER_MS", "5")],
            "[shipper]\nbatch_bytes = 0",
            "shipper.batch_bytes in turnpike.toml: found 0",
        ),
        (
            &[("TURNPIKE_JOBS__RETENTION_CRON", "often")],
            "",
            "TURNPIKE_JOBS__RETENTION_CRON: \"often\" is no schedule",
        ),
        (&[("TURNPIKE_PUBLIC_URL", "gateway.example")], "", "TURNPIKE_PUBLIC_URL: expected http"),
        (
            &[],
            "[gateway]\nwhen_spool_full = \"stop\"",
            "gateway.when_spool_full in turnpike.toml: unknown variant",
        ),
        (
            &[],
            "[plans.production]\nmax_logs = -2",
            "plans.production.max_logs in turnpike.toml: invalid value",
        ),
        (&[], "\n[spool\nfsync = true", "turnpike.toml, line 2: "),
    ];
    for (env, toml, expected) in cases {
        let error = error(env, toml);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn what_is_kept_of_a_call_must_fit_into_a_record() {
    let name = "TURNPIKE_LOG__MAX_PAYLOAD_BYTES";
    let error = error(&[(name, "25165825")], "");
    assert_eq!(error, format!("{name}: found 25165825, expected at most 25165824 (24 MiB)"));
    let most = from(&[(name, "25165824")], "").unwrap();
    assert_eq!(most.log.max_payload_bytes, 25_165_824);
}

#[test]
fn a_segment_must_fit_into_the_spool() {
    let error = error(&[("TURNPIKE_SPOOL__MAX_BYTES", "1000")], "");
    assert!(error.contains("spool.segment_bytes is 67108864, over spool.max_bytes, 1000"), "{error}");
    assert!(from(&[("TURNPIKE_SPOOL__MAX_BYTES", "67108864")], "").is_ok());
}

#[test]
fn secrets_are_not_printed() {
    let env = [
        ("TURNPIKE_DATABASE_URL", "postgres://u:hunter2@h/d"),
        ("TURNPIKE_REDIS_URL", "redis://:hunter2@h"),
        ("TURNPIKE_MASTER_KEY", "hunter2"),
    ];
    let settings = from(&env, "").unwrap();
    assert_eq!(settings.database_url.as_ref().unwrap().expose_secret(), "postgres://u:hunter2@h/d");
    assert!(!format!("{settings:?}").contains("hunter2"));

    let unclosed = from(&[], "addr = \"[::1]:1\"\nmaster_key = \"hunter2").unwrap_err();
    assert!(unclosed.to_string().starts_with("turnpike.toml, line 2: "), "{unclosed}");
    assert!(!format!("{unclosed} {unclosed:?}").contains("hunter2"), "{unclosed}");
}

#[test]
fn the_file_is_the_one_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.toml");
    let load = || load::load_with([("TURNPIKE_CONFIG".into(), path.clone().into())].into_iter());

    let missing = load().unwrap_err();
    assert!(matches!(missing, Error::File { .. }) && missing.to_string().contains("other.toml"), "{missing}");
    std::fs::write(&path, "workers = 7").unwrap();
    assert_eq!(load().unwrap().workers, Some(7));
    std::fs::write(&path, "workers = true").unwrap();
    assert!(load().unwrap_err().to_string().starts_with(&format!("workers in {}: ", path.display())));
    assert!(load::load_with(std::iter::empty()).is_ok(), "without a file there are the defaults");
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_not_text_is_named() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    let env = |name: &str| [(name.into(), OsString::from_vec(vec![0xff]))].into_iter();
    let error = load::load_with(env("TURNPIKE_DATA_DIR")).unwrap_err();
    assert_eq!(error.to_string(), "TURNPIKE_DATA_DIR: expected UTF-8 text");
    assert!(load::load_with(env("LS_COLORS")).is_ok());
}
