//! What there is to name.

use super::document::{Document, Named};
use super::ways::{Ask, ways};

/// What another is to the caller: of another organisation, or of another workspace of the same.
#[derive(Clone, Copy)]
pub enum Place {
    Organisation,
    Workspace,
}

/// The ids of one organisation's things, or of nobody's.
pub struct Ids {
    pub organisation: String,
    pub workspace: String,
    pub user: String,
    pub member: String,
    pub invite: String,
    pub log: String,
    pub api_key: String,
    pub virtual_key: String,
    pub config: String,
    pub guardrail: String,
    pub webhook: String,
    pub delivery: String,
    pub feedback: String,
    pub saved_filter: String,
    pub log_export: String,
    pub destination: String,
    pub invoice: String,
    pub trace: String,
}

impl Ids {
    /// Of the same forms, and nobody's.
    pub fn nobodys(&self) -> Self {
        let another = |id: &String| {
            let (begin, end) = id.split_at(id.len() - 6);
            format!("{begin}{}", if end == "abcdef" { "fedcba" } else { "abcdef" })
        };
        Self {
            organisation: another(&self.organisation),
            workspace: another(&self.workspace),
            user: another(&self.user),
            member: another(&self.member),
            invite: another(&self.invite),
            log: another(&self.log),
            api_key: another(&self.api_key),
            virtual_key: another(&self.virtual_key),
            config: another(&self.config),
            guardrail: another(&self.guardrail),
            webhook: another(&self.webhook),
            delivery: another(&self.delivery),
            feedback: another(&self.feedback),
            saved_filter: another(&self.saved_filter),
            log_export: another(&self.log_export),
            destination: another(&self.destination),
            invoice: another(&self.invoice),
            trace: another(&self.trace),
        }
    }

    pub fn all(&self) -> [Named<'_>; 18] {
        [
            ("organisation", &self.organisation),
            ("workspace", &self.workspace),
            ("user", &self.user),
            ("user", &self.member),
            ("invite", &self.invite),
            ("log", &self.log),
            ("api_key", &self.api_key),
            ("virtual_key", &self.virtual_key),
            ("config", &self.config),
            ("guardrail", &self.guardrail),
            ("webhook", &self.webhook),
            ("delivery", &self.delivery),
            ("feedback", &self.feedback),
            ("saved_filter", &self.saved_filter),
            ("log_export", &self.log_export),
            ("destination", &self.destination),
            ("invoice", &self.invoice),
            ("trace", &self.trace),
        ]
    }

    /// Those that are of another organisation, or of another workspace.
    pub fn beyond(&self, place: Place) -> Vec<Named<'_>> {
        let of_workspaces = [
            "workspace",
            "log",
            "log_export",
            "api_key",
            "virtual_key",
            "config",
            "guardrail",
            "feedback",
            "trace",
        ];
        let is_beyond = |(kind, _): &Named<'_>| match place {
            Place::Organisation => true,
            Place::Workspace => of_workspaces.contains(kind),
        };
        self.all().into_iter().filter(is_beyond).collect()
    }

    pub fn ways(&self, document: &Document, route: &api::Route, own: &Self, place: Place) -> Vec<Vec<Ask>> {
        let mut all = document.ways(route, self, &self.beyond(place), own);
        all.extend(ways(route, self, own).into_iter().map(|way| vec![way]));
        all
    }

    /// Each way to name one of these, beside the same with `nobodys`, by the place where it is named.
    pub fn pairs(
        &self,
        nobodys: &Self,
        document: &Document,
        route: &api::Route,
        own: &Self,
        place: Place,
    ) -> impl Iterator<Item = Vec<(Ask, Ask)>> {
        let both = self.ways(document, route, own, place).into_iter();
        let both = both.zip(nobodys.ways(document, route, own, place));
        both.map(|(theirs, nobodys)| theirs.into_iter().zip(nobodys).collect())
    }
}
