//! Guardrails: what is checked of a request and of its answer, and what is told of it.
//!
//! A guardrail is read ([`inline`], [`saved`]) into its typed form with all that can be wrong about it told then, by its JSON
//! path; what runs later can only find, not stumble. A [`Judge`] runs the guardrails of a phase over an [`Exchange`]. Nothing here
//! connects to anything: what a check needs of the world it asks of an [`Outside`], which is who guards where we may connect.
//!
//! To add a check: a struct in `checks/` with `read` and `judge`, a variant of [`checks::Rule`], and a row in its table.

mod checks;
mod content;
mod guardrail;
mod judge;
mod outside;
mod parse;
mod results;
mod stream;

pub use content::text;
pub use guardrail::{Feedback, Guardrail, Kind, Phase};
pub use judge::{Call, Exchange, Judge, Ran};
pub use outside::{Failure, Outside};
pub use parse::{Mistake, inline, saved};
pub use results::{
    CheckError, CheckResult, HookResult, Opinion, denial, hook_results, merged, without_content,
};
pub use stream::{assembled, streamed};
