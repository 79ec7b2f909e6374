use entity::audit_entry::{Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::LikeExpr;
use sea_orm::{Condition, QueryOrder, QueryTrait};
use tenancy::TenantScope;
use tenancy::audit::Actor;

use crate::audit_logs::{Filter, UserType};
use crate::paging::Paging;

/// A page of the organisation's entries that the filter lets through, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    filter: &Filter,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let starts =
        |column: Column, with: &str| column.like(LikeExpr::new(format!("{}%", escaped(with))).escape('\\'));
    let ends =
        |column: Column, with: &str| column.like(LikeExpr::new(format!("%{}", escaped(with))).escape('\\'));
    let rows = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::CreatedAt.between(filter.from_ms, filter.until_ms))
        .apply_if(filter.method.as_ref(), |rows, method| rows.filter(Column::Method.eq(method)))
        .apply_if(filter.uri.as_ref(), |rows, uri| rows.filter(Column::Uri.eq(uri)))
        .apply_if(filter.request_id.as_ref(), |rows, id| rows.filter(Column::RequestId.eq(id)))
        .apply_if(filter.user_id, |rows, id| {
            let either = [Actor::Person(id), Actor::Key(id)].map(|actor| actor.to_string());
            rows.filter(Column::Actor.is_in(either))
        })
        .apply_if(filter.user_type, |rows, of: UserType| rows.filter(starts(Column::Actor, of.actor())))
        .apply_if(filter.workspace_id, |rows, id| rows.filter(Column::WorkspaceId.eq(id)))
        .apply_if(filter.status, |rows, status| rows.filter(Column::ResponseStatus.eq(status)))
        .apply_if(filter.resource_type.as_ref(), |rows, of| {
            rows.filter(starts(Column::Action, &format!("{of}.")))
        })
        .apply_if(filter.action, |rows, done| {
            let words = done.words().into_iter().map(|word| ends(Column::Action, &format!(".{word}")));
            rows.filter(words.fold(Condition::any(), Condition::add))
        })
        .apply_if(filter.client, |rows, client| rows.filter(Column::ClientIp.eq(client.to_string())))
        // None is known of any.
        .apply_if(filter.country.as_ref(), |rows, _| rows.filter(Column::Id.is_null()))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id);
    paging.read(db, rows).await
}

/// For what is looked for as it is.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
