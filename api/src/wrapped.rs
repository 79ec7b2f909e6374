//! Answers as the older of the contract's eras wraps them (0).

use serde::Serialize;
use utoipa::ToSchema;

use crate::paging::List;

/// An answer as the older era wraps it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Wrapped<T> {
    /// Always true.
    success: bool,
    data: T,
}

impl<T> Wrapped<T> {
    pub fn of(data: T) -> Self {
        Self { success: true, data }
    }
}

/// The same, with the newer era's fields beside the wrapper.
#[derive(Serialize, ToSchema)]
pub(crate) struct Both<T> {
    /// Always true.
    success: bool,
    data: T,
    #[serde(flatten)]
    flat: T,
}

impl<T: Clone> Both<T> {
    pub fn eras(data: T) -> Self {
        Self { success: true, flat: data.clone(), data }
    }
}

/// A list as both eras wrap it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// Always true.
    success: bool,
    #[serde(flatten)]
    list: List<T>,
}

impl<T> Listed<T> {
    pub fn of(total: u64, data: Vec<T>) -> Self {
        Self { success: true, list: List::new(total, data) }
    }
}

/// Nothing to say but that it is done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}
