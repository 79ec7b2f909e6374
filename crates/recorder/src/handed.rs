//! A record in the spool's hands, whose failure is counted whether or not anybody waits for it.

use logstore::MeterKey;
use spool::Appended;

use crate::{Error, OpenCall, Recorder};

/// Resolved with [`Handed::outcome`]; dropped before that, the rest is waited for in the background.
pub(crate) struct Handed {
    recorder: Recorder,
    meter: MeterKey,
    appended: Option<Appended>,
    /// Nothing is idle until this is dropped, wherever that is.
    _open: OpenCall,
}

impl Handed {
    pub(crate) fn new(recorder: Recorder, meter: MeterKey, appended: Appended) -> Self {
        Self { _open: recorder.open_call(), recorder, meter, appended: Some(appended) }
    }

    pub(crate) async fn outcome(mut self) -> Result<(), Error> {
        // Awaited in its place, so that `drop` finds it there when this future is dropped.
        let Some(appended) = &mut self.appended else { return Ok(()) };
        let result = appended.await;
        self.appended = None;
        if result.is_err() {
            self.recorder.unrecorded.add(self.meter);
        }
        Ok(result?)
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        let Some(appended) = self.appended.take() else { return };
        let (unrecorded, meter) = (self.recorder.unrecorded.clone(), self.meter);
        let counting = async move {
            if appended.await.is_err() {
                unrecorded.add(meter);
            }
        };
        self.recorder.open.spawn_on(counting, &self.recorder.runtime);
    }
}
