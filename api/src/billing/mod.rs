//! What the organisation is on and what it owes. Billing is its owner's (8.4): in person to change it; to read it also a key
//! of the organisation with `organisation_settings.read`, for its books.

mod caps;
mod html;
mod invoice;
mod invoices;
mod plan;
mod shape;

use utoipa::OpenApi;

use crate::Error;

pub(crate) use caps::put as put_caps;
pub(crate) use invoice::{get as get_invoice, html as get_invoice_html};
pub(crate) use invoices::list as list_invoices;
pub(crate) use plan::{get as get_plan, put as put_plan};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(plan::get, plan::put, caps::put, invoices::list, invoice::get, invoice::html))]
pub(crate) struct Doc;

impl From<billing::Error> for Error {
    fn from(error: billing::Error) -> Self {
        match error {
            billing::Error::Invalid { field, problem, expected } => Self::invalid(field, problem, expected),
            billing::Error::ByContract(why) => Self::Forbidden(why.to_owned()),
            billing::Error::Database(error)
            | billing::Error::Organisation(tenancy::organisation::Error::Database(error)) => error.into(),
            billing::Error::Organisation(tenancy::organisation::Error::NotFound(id)) => {
                Self::not_found("organisation", id.to_string())
            }
            billing::Error::Organisation(_) | billing::Error::Document(_) => Self::internal(error),
        }
    }
}
