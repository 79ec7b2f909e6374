//! What becomes of people at one server is so at the others, though they believe what they know for half an hour.

use plans::Plan;
use reqwest::Method;
use serde_json::json;

use super::{Pair, at};
use crate::harness::{ask, until};
use crate::users::{call, get, own_key};

#[tokio::test]
async fn who_is_removed_at_one_server_is_out_at_the_others_with_token_and_key() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Enterprise).await;
    let there = at(&pair.second, &here);
    let workspace = here.workspace_id(&here.workspace).await;
    let person = here.person("member", &[(workspace, "member")]).await;
    let key = own_key(&here, person.id).await;
    let token = person.tokens["access_token"].as_str().unwrap();
    let over_there = there.with_access_token(token);
    assert_eq!((get(&over_there, "/v1/logs").await.0, call(&there, &key).await), (200, 200));

    let path = format!("/v1/admin/users/{}", person.id);
    assert_eq!(ask(&here.admin(), Method::DELETE, &path, None).await.0, 200);
    assert_eq!(
        (get(&person.caller, "/v1/logs").await.0, call(&here, &key).await),
        (401, 401),
        "here at once"
    );
    until("they are out over there too", || async {
        let now = (get(&over_there, "/v1/logs").await.0, call(&there, &key).await);
        (now == (401, 401)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn another_role_that_one_server_gives_holds_at_the_others() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Enterprise).await;
    let there = at(&pair.second, &here);
    let person = here.person("admin", &[]).await;
    let over_there = there.with_access_token(person.tokens["access_token"].as_str().unwrap());
    assert_eq!(get(&over_there, "/v1/admin/users").await.0, 200);
    let path = format!("/v1/admin/users/{}", person.id);
    let member = json!({"role": "member"});
    assert_eq!(ask(&here.admin(), Method::PUT, &path, Some(&member)).await.0, 200);
    until("an admin no more", || async {
        (get(&over_there, "/v1/admin/users").await.0 == 403).then_some(())
    })
    .await;
}
