//! What a start says on standard output.

use std::path::{Path, PathBuf};

use host::Running;
use plans::Terms;
use secrecy::ExposeSecret as _;
use tenancy::organisation::Created;

/// Where things are, for people.
pub(crate) struct Places {
    pub url: String,
    pub data_dir: PathBuf,
    pub database: String,
    /// None: the key is given by the settings.
    pub master_key: Option<PathBuf>,
}

impl Places {
    pub(crate) fn of(running: &Running) -> Self {
        let settings = &running.settings;
        let data_dir = std::path::absolute(&settings.data_dir).unwrap_or_else(|_| settings.data_dir.clone());
        let absolute = settings::Settings { data_dir: data_dir.clone(), ..settings.clone() };
        Self {
            url: running.url(),
            database: host::described(&absolute),
            master_key: settings.master_key.is_none().then(|| data_dir.join("master.key")),
            data_dir,
        }
    }

    fn master_key(&self) -> String {
        match &self.master_key {
            Some(path) => path.display().to_string(),
            None => "given by the settings".to_owned(),
        }
    }
}

/// The first start's: the only time that these secrets are seen. `terms` are the new organisation's.
pub(crate) fn first(places: &Places, created: &Created, terms: &Terms) -> String {
    let (url, key) = (&places.url, created.api_key.expose_secret());
    let password = created.password.as_ref().map_or("(as before)", |password| password.expose_secret());
    format!(
        "\
Turnpike {version} serves at {url}

This is its first start, so an organisation was made, on the Developer plan ({terms}).
What follows is shown this once. Keep it.

  organisation   My organisation, {organisation}
  workspace      {workspace}
  API key        {key}   makes calls, reads logs
  admin key      {admin}   manages the organisation
  owner          {owner}, one-time password {password}
  sign in        {url}/sign-in

  database       {database}
  spool          {spool}
  master key     {master_key}   back it up: provider keys open with no other

Make a first call, to the built-in provider echo, which needs no account anywhere:

{call}

Look at its log:

{logs}
",
        version = env!("CARGO_PKG_VERSION"),
        terms = in_words(terms),
        organisation = created.organisation_id,
        workspace = created.workspace_id,
        admin = created.admin_api_key.expose_secret(),
        owner = created.owner_email,
        database = places.database,
        spool = spool(&places.data_dir),
        master_key = places.master_key(),
        call = call(url, key),
        logs = logs(url, key),
    )
}

/// Every later start's: no secrets.
pub(crate) fn again(places: &Places) -> String {
    format!(
        "\
Turnpike {version} serves at {url}

  database       {database}
  spool          {spool}
  master key     {master_key}
  sign in        {url}/sign-in

Keys were shown when they were made. An organisation with new ones, also while this runs:
turnpike org create --name NAME --plan developer --owner-email EMAIL
",
        version = env!("CARGO_PKG_VERSION"),
        url = places.url,
        database = places.database,
        spool = spool(&places.data_dir),
        master_key = places.master_key(),
    )
}

/// A call that works as it stands.
pub(crate) fn call(url: &str, key: &str) -> String {
    let body = r#"{"model":"echo","messages":[{"role":"user","content":"hello"}]}"#;
    format!(
        "curl {url}/v1/chat/completions -H 'x-portkey-api-key: {key}' -H 'x-portkey-provider: echo' \
         -H 'content-type: application/json' -d '{body}'"
    )
}

/// The list of logs, as a call that works as it stands.
pub(crate) fn logs(url: &str, key: &str) -> String {
    format!("curl '{url}/v1/logs?limit=10' -H 'x-portkey-api-key: {key}'")
}

fn in_words(terms: &Terms) -> String {
    let logs = terms.limit().map_or("unlimited logs".to_owned(), |n| format!("{n} logs a month"));
    let days =
        terms.log_retention_days.map_or("kept for ever".to_owned(), |days| format!("kept for {days} days"));
    format!("{logs}, {days}")
}

fn spool(data_dir: &Path) -> String {
    data_dir.join("spool").display().to_string()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn places() -> Places {
        Places {
            url: "http://127.0.0.1:8787".to_owned(),
            data_dir: "/srv/turnpike-data".into(),
            database: "/srv/turnpike-data/turnpike.db".to_owned(),
            master_key: Some("/srv/turnpike-data/master.key".into()),
        }
    }

    #[test]
    fn the_first_start_shows_everything_that_is_needed_once() {
        let created = Created {
            organisation_id: Uuid::nil(),
            workspace_id: "ws-shared-000000".to_owned(),
            workspace_uuid: Uuid::nil(),
            api_key: "tpk_workspace".into(),
            admin_api_key: "tpk_admin".into(),
            owner_email: "owner@localhost".to_owned(),
            password: Some("sesame".into()),
        };
        let terms = plans::terms(plans::Plan::Developer, &plans::Overrides::default());
        insta::assert_snapshot!(first(&places(), &created, &terms));
    }

    #[test]
    fn a_later_start_shows_where_things_are_and_no_secrets() {
        insta::assert_snapshot!(again(&Places { master_key: None, ..places() }));
    }
}
