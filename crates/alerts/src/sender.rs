//! One attempt at a delivery, whatever its destination.

use clock::Clock;
use egress::Reach;
use vault::Vault;

use crate::delivery::Parcel;
use crate::mail::{Letter, Mailer};
use crate::outcome::Outcome;
use crate::text;
use crate::webhook::Webhooks;

/// Sends what is due.
pub struct Sender {
    webhooks: Webhooks,
    mailer: Option<Mailer>,
    clock: Clock,
}

impl Sender {
    /// Webhooks go where `reach` allows; mail goes by `mailer`.
    #[must_use]
    pub fn new(reach: Reach, vault: Vault, mailer: Option<Mailer>, clock: Clock) -> Self {
        Self { webhooks: Webhooks::new(reach, vault), mailer, clock }
    }

    /// Makes one attempt.
    pub async fn send(&self, parcel: &Parcel) -> Outcome {
        let Parcel { delivery, alert, endpoint, organisation } = parcel;
        let now_ms = self.clock.now_ms();
        if let Some(endpoint) = endpoint {
            return self.webhooks.send(delivery, alert.as_ref(), endpoint, now_ms).await;
        }
        match (&self.mailer, alert, parcel.address()) {
            (Some(mailer), Some(alert), Some(address)) => {
                let text = text::of(alert, organisation);
                let (id, to, body) = (delivery.id, address.to_owned(), text.body.into());
                mailer.send(&Letter { id, to, subject: text.subject, body }, now_ms).await
            }
            (None, _, Some(_)) => Outcome::failed("this server has no mail server"),
            _ => Outcome::failed("what it is about, or where it goes, is no longer there"),
        }
    }
}
