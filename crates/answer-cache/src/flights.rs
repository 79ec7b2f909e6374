//! One call for many that are equal: who asks upstream, and who waits for what comes of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::{Entry, Place};

/// The calls of this process that are under way. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Flights(Arc<Mutex<HashMap<Place, watch::Receiver<State>>>>);

/// How far a call has come.
#[derive(Clone, Debug)]
enum State {
    UnderWay,
    Kept(Arc<Entry>),
    /// Its answer is not one to be given again.
    Unfit,
}

/// Which part a call has.
pub(crate) enum Joined {
    Leads(Leading),
    Follows(Following),
}

/// The call that asks. Dropped before it has told anything, it leaves its place to the next.
pub(crate) struct Leading {
    flights: Flights,
    place: Place,
    state: watch::Sender<State>,
}

/// A call that waits for another's answer.
pub(crate) struct Following(watch::Receiver<State>);

/// What became of the call that was waited for.
pub(crate) enum Ended {
    Kept(Arc<Entry>),
    Unfit,
    /// It went away with nothing told.
    Gone,
}

impl Flights {
    pub(crate) fn join(&self, place: Place) -> Joined {
        match self.lock().entry(place) {
            Slot::Occupied(under_way) => Joined::Follows(Following(under_way.get().clone())),
            Slot::Vacant(free) => {
                let (state, followed) = watch::channel(State::UnderWay);
                free.insert(followed);
                Joined::Leads(Leading { flights: self.clone(), place, state })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Place, watch::Receiver<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }
}

impl Leading {
    /// Gives the answer to all who wait, and to who asks until this is dropped: by then it is in the store.
    pub(crate) fn keep(&self, entry: Arc<Entry>) {
        self.state.send_replace(State::Kept(entry));
    }

    /// Lets all who wait ask by themselves.
    pub(crate) fn let_go(self) {
        self.state.send_replace(State::Unfit);
    }
}

impl Drop for Leading {
    /// First its place is free, then those who wait notice: one of them takes it.
    fn drop(&mut self) {
        self.flights.lock().remove(&self.place);
    }
}

impl Following {
    pub(crate) async fn ended(mut self) -> Ended {
        let state = self.0.wait_for(|state| !matches!(state, State::UnderWay)).await;
        match state.as_deref() {
            Ok(State::Kept(entry)) => Ended::Kept(Arc::clone(entry)),
            Ok(State::Unfit) => Ended::Unfit,
            Ok(State::UnderWay) | Err(_) => Ended::Gone,
        }
    }
}
