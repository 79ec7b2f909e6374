//! The settings file, up to a NUL, and `NAME=value` lines of variables: settings, or an error that names one and repeats
//! no secret.

#![no_main]

use libfuzzer_sys::fuzz_target;

const SECRET: &str = "kanari-7b1d";

fuzz_target!(|text: &str| {
    let (file, variables) = text.split_once('\0').unwrap_or((text, ""));
    let given = variables.lines().filter_map(|line| line.split_once('='));
    let secrets = ["DATABASE_URL", "REDIS_URL", "MASTER_KEY", "OPERATOR_TOKEN"];
    let secrets = secrets.map(|name| (format!("TURNPIKE_{name}"), format!("{SECRET}-{name}")));
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let read = settings::load_from(given.chain(secrets), Some(file));
    let told = match &read {
        Ok(settings) => format!("{settings:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!told.contains(SECRET) || text.contains("kanari"), "{told}");
});
