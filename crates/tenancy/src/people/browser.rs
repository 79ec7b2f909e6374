//! Sessions in a browser: held by one secret in a cookie, which works until the session ends. There is nothing to renew, so that two
//! tabs cannot sign each other out.

use std::sync::Arc;

use sea_orm::DbErr;
use secrecy::SecretString;

use super::{People, PeopleError, Person, RefreshToken, SignedIn, link_token, session};

impl People {
    /// Lets who has just signed in hold the session by a secret for a cookie, in the place of the refresh token. The secret is here
    /// and nowhere else.
    ///
    /// # Errors
    /// [`PeopleError`]; `Refused` when the session has been refreshed or has ended.
    pub async fn keep_in_browser(&self, signed_in: SignedIn) -> Result<SecretString, PeopleError> {
        let token = RefreshToken::parse(signed_in.refresh_token).ok_or(PeopleError::Refused)?;
        let (secret, hash) = link_token::fresh(link_token::BROWSER)?;
        let is_held = session::hold_by(&self.0.parts.db, &token, hash).await?;
        if is_held { Ok(secret) } else { Err(PeopleError::Refused) }
    }

    /// Whom a cookie's secret identifies. Pages are few, so that nothing of it is kept here: the end of a session and what becomes of
    /// its person are seen at once, in every process.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn in_browser(&self, secret: &SecretString) -> Result<Option<Person>, DbErr> {
        let inner = &*self.0;
        let Some(hash) = link_token::hash(link_token::BROWSER, secret) else { return Ok(None) };
        let found = session::held_by(&inner.parts.db, hash, inner.now_ms()).await?;
        let Some(session) = found else { return Ok(None) };
        let tenant = inner.load(session.id).await?;
        Ok(tenant.map(|tenant| Person { tenant: Arc::new(tenant), session_id: session.id }))
    }
}
