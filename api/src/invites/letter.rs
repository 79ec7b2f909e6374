//! The mail that an invite comes by, and its link, which is the way where there is no mail server.

use ::alerts::outbox::{self, Topic};
use entity::invite;
use sea_orm::ConnectionTrait;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Api, Error, instant};

/// Where the invite is accepted.
pub(super) fn link(api: &Api, token: &SecretString) -> String {
    format!("{}/invites/{}", api.public_url, token.expose_secret())
}

/// Lets it be sent, where there is a mail server.
pub(super) async fn send(
    txn: &impl ConnectionTrait,
    api: &Api,
    invite: &invite::Model,
    organisation: &str,
    token: &SecretString,
) -> Result<(), Error> {
    if !api.sends_mail {
        return Ok(());
    }
    // A name of several lines would end the subject, or pass for a line of ours.
    let name = organisation.lines().collect::<Vec<_>>().join(" ");
    let (link, until, url) = (link(api, token), instant::iso(invite.expires_at), &api.public_url);
    let body = format!(
        "{name} invites you to its organisation at Turnpike, as {role}.\n\n\
         Accept until {until}:\n{link}\n\n\
         By the API: POST {url}/v1/auth/invites/accept with {{\"token\": \"{token}\", \"password\": \"...\"}}\n\n\
         The link is for you alone and works once. If you do not know who invites you, there is nothing to do.\n",
        role = invite.role,
        token = token.expose_secret(),
    );
    let letter = outbox::New {
        organisation_id: Some(invite.organisation_id),
        topic: Topic::Invite,
        about: invite.id,
        address: invite.email.clone(),
        subject: format!("[Turnpike] {name} invites you"),
        body: body.into(),
        expires_at: invite.expires_at,
    };
    let mail = outbox::write(&api.vault, &api.ids, api.clock.now_ms(), letter).map_err(Error::internal)?;
    Ok(outbox::put(txn, mail).await?)
}
