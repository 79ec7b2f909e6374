//! Sending e-mail.

use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error as SmtpError;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use sea_orm::prelude::Uuid;
use secrecy::{ExposeSecret as _, SecretString};

use crate::outcome::Outcome;
use crate::webhook::TIMEOUT;

/// Settings that no mail can be sent with. What was found is not repeated: a URL holds a password.
#[derive(Debug, thiserror::Error)]
pub enum BadSmtp {
    #[error(
        "smtp.url is no URL of a mail server; expected smtp:// or smtps:// and a host, as smtps://USER:PASSWORD@HOST"
    )]
    Url,
    #[error(
        "smtp.from is missing, or no address; expected one that mail may come from, as `Turnpike <alerts@example.com>`"
    )]
    From,
}

/// A message to one address.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The same at each attempt.
    pub id: Uuid,
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text. It may have a token in it.
    pub body: SecretString,
}

/// Sends mail by one server.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// By the server at `url`, from the address `from`. None: there is no server.
    ///
    /// # Errors
    /// [`BadSmtp`].
    pub fn new(url: Option<&SecretString>, from: Option<&str>) -> Result<Option<Self>, BadSmtp> {
        let Some(url) = url else { return Ok(None) };
        let from = from.and_then(|from| from.parse().ok()).ok_or(BadSmtp::From)?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret());
        let transport = transport.map_err(|_| BadSmtp::Url)?.timeout(Some(TIMEOUT)).build();
        Ok(Some(Self { transport, from }))
    }

    /// Makes one attempt.
    pub async fn send(&self, letter: &Letter, now_ms: i64) -> Outcome {
        let message = match self.message(letter, now_ms) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, mail = %letter.id, "an e-mail cannot be written");
                return Outcome::failed("no e-mail can be written to this address");
            }
        };
        match self.transport.send(message).await {
            Ok(answer) => Outcome::Delivered(answer.code().into()),
            Err(error) => {
                tracing::warn!(%error, mail = %letter.id, "an e-mail could not be sent");
                reason(&error)
            }
        }
    }

    fn message(&self, letter: &Letter, now_ms: i64) -> Result<Message, Unwritten> {
        let automatic = HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"), // RFC 3834: nobody's absence is told to us
            "auto-generated".to_owned(),
        );
        let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, letter.to.parse()?))
            .date(now)
            // The same at each attempt, so that who gets it twice can tell.
            .message_id(Some(format!("<{}@{}>", letter.id, self.from.email.domain())))
            .raw_header(automatic)
            .header(ContentType::TEXT_PLAIN)
            .subject(letter.subject.clone())
            .body(letter.body.expose_secret().to_owned())?;
        Ok(message)
    }
}

/// Why there is no mail.
#[derive(Debug, thiserror::Error)]
enum Unwritten {
    #[error("the address is none")]
    Address(#[from] lettre::address::AddressError),
    #[error("the message cannot be made")]
    Message(#[from] lettre::error::Error),
}

/// In words of our own: what the server says may name what is behind it.
fn reason(error: &SmtpError) -> Outcome {
    let status: Option<u16> = error.status().map(Into::into);
    let error = match status {
        Some(status) => format!("the mail server answered {status}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None => "the mail server could not be reached".to_owned(),
    };
    Outcome::Failed { status, error }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn settings_that_no_mail_can_be_sent_with_are_refused_without_the_password() {
        let from = Some("Turnpike <alerts@example.com>");
        for (url, from, expected) in [
            (Some("smtp://127.0.0.1:2525"), from, Ok(true)),
            (Some("smtps://u:kanari@mail.example.com"), Some("alerts@example.com"), Ok(true)),
            (Some("smtp://u:kanari@mail.example.com?tls=required"), from, Ok(true)),
            (None, None, Ok(false)),
            (Some("smtp://mail.example.com"), None, Err("smtp.from")),
            (Some("smtp://mail.example.com"), Some("alerts"), Err("smtp.from")),
            (Some("https://u:kanari@mail.example.com"), from, Err("smtp.url")),
            (Some("smtp://u:kanari@"), from, Err("smtp.url")),
            (Some("kanari"), from, Err("smtp.url")),
        ] {
            let url = url.map(SecretString::from);
            let made = Mailer::new(url.as_ref(), from).map(|mailer| mailer.is_some());
            let made = made.map_err(|error| error.to_string());
            assert!(!format!("{made:?}").contains("kanari"), "{made:?}");
            let named = made.as_ref().copied().map_err(|text| text.split(' ').next().unwrap_or_default());
            assert_eq!(named, expected, "{made:?}");
        }
        assert!(Mailer::new(None, from).unwrap().is_none());
    }
}
