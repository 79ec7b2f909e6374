use secrecy::SecretString;
use serde::Deserialize;

/// Section `smtp`: how mail is sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    /// `smtps://USER:PASSWORD@HOST`, or `smtp://`, with `?tls=required` for STARTTLS. Default: none, and no mail is sent.
    pub url: Option<SecretString>,
    /// Whom mail comes from, as `Turnpike <alerts@example.com>`; needed with `url`. Default: none.
    pub from: Option<String>,
}
