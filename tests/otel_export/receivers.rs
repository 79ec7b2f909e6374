//! Receivers that do not take what they are sent.

use serde_json::json;

use super::*;
use crate::harness::{Exchange, Reply, until};

/// A receiver's answer: a status, headers and text.
async fn say(mut exchange: Exchange, status: u16, headers: &[(&str, &str)], text: &str) {
    let length = text.len().to_string();
    let framing = [("content-length", length.as_str()), ("content-type", "application/json")];
    exchange.head(status, &[headers, &framing].concat()).await;
    exchange.send(text).await;
    exchange.whole();
}

fn url(receiver: &Upstream) -> String {
    format!("http://{}", receiver.addr)
}

#[tokio::test]
async fn who_does_not_answer_delays_nobody_else_and_is_left_alone_for_as_long_as_it_asks() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let mut slow = Upstream::start().await;
    let of_slow = destination(&admin, &url(&slow), json!({})).await;
    let collector = Collector::start("http/protobuf");
    destination(&admin, &collector.url, json!({})).await;
    call(&org, &[]).await;

    let meanwhile = async {
        let exchange = slow.asked().await;
        until("the other has the spans", || async { (!collector.spans().is_empty()).then_some(()) }).await;
        // What comes while one does not answer is not held up either, though it is the same run.
        let second = call(&org, &[]).await;
        until("the other has the next too", || async {
            logs_of(&collector.spans()).contains(&second).then_some(())
        })
        .await;
        say(exchange, 503, &[("retry-after", "120")], r#"{"message": "down for maintenance"}"#).await;
    };
    let (report, ()) = tokio::join!(deliver(&app), meanwhile);
    assert_eq!((report.count("sent"), report.count("failed")), (Some(2), Some(1)));
    let now = state(&admin, &of_slow).await;
    let delivery = &now["delivery"];
    assert_eq!((&delivery["waiting_logs"], &delivery["failed_attempts"]), (&json!(2), &json!(1)), "{now}");
    assert!(delivery["last_error"].as_str().unwrap().contains("down for maintenance"), "{now}");

    app.clock.advance(Duration::from_secs(119));
    assert!(deliver(&app).await.is_idle(), "it is left alone");
    app.clock.advance(Duration::from_secs(26));
    let answering = async { slow.asked().await.bodiless(200, &[("content-length", "0")]).await };
    let (report, ()) = tokio::join!(deliver(&app), answering);
    assert_eq!(report.count("sent"), Some(2), "both in one batch");
    let now = state(&admin, &of_slow).await;
    let delivery = &now["delivery"];
    assert_eq!((&delivery["sent_logs"], &delivery["failed_attempts"]), (&json!(2), &json!(0)), "{now}");
    assert!(delivery["last_error"].is_null() && delivery["next_attempt_at"].is_null(), "{now}");
}

#[tokio::test]
async fn what_is_refused_for_good_is_dropped_and_what_is_refused_in_part_is_counted_in_the_receivers_words() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let receiver = Collector::start("http/json");
    let asks = json!({"protocol": "http/json", "headers": {"x-tenant": "blue"}});
    let id = destination(&admin, &receiver.url, asks).await;
    receiver.reply(Reply::Refused(400, "spans of the wrong colour".to_owned(), None));
    call(&org, &[]).await;
    let report = deliver(&app).await;
    assert_eq!((report.count("dropped"), report.count("failed")), (Some(1), Some(0)));
    let now = state(&admin, &id).await;
    let delivery = &now["delivery"];
    assert_eq!((&delivery["dropped_logs"], &delivery["waiting_logs"]), (&json!(1), &json!(0)), "{now}");
    assert!(delivery["last_error"].as_str().unwrap().contains("spans of the wrong colour"), "{now}");
    assert!(receiver.asked()[0].contains(&("x-tenant".to_owned(), "blue".to_owned())));

    receiver.reply(Reply::Partly(1, "one is too old".to_owned()));
    call(&org, &[]).await;
    let report = deliver(&app).await;
    assert_eq!((report.count("sent"), report.count("rejected")), (Some(1), Some(1)));
    let now = state(&admin, &id).await;
    let delivery = &now["delivery"];
    assert_eq!((&delivery["rejected_spans"], &delivery["sent_logs"]), (&json!(1), &json!(1)), "{now}");
    assert!(delivery["last_error"].as_str().unwrap().contains("one is too old"), "{now}");
    assert!(deliver(&app).await.is_idle(), "what was rejected is not sent again");
}

#[tokio::test]
async fn a_test_sends_one_span_and_says_what_the_receiver_said() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let test = async |id: &str| {
        done(admin.request(Method::POST, &format!("{DESTINATIONS}/{id}/test")).send().await.unwrap()).await
    };
    let collector = Collector::start("grpc");
    let id = destination(&admin, &collector.url, json!({"protocol": "grpc"})).await;
    let told = test(&id).await;
    assert_eq!(told["accepted"], true, "{told}");
    let spans = collector.spans();
    assert_eq!((spans.len(), spans[0].name.as_str()), (1, "turnpike test"));
    assert_eq!(told["trace_id"], hex(&spans[0].trace_id));

    let mut receiver = Upstream::start().await;
    let id = destination(&admin, &url(&receiver), json!({})).await;
    let refusing = async { say(receiver.asked().await, 401, &[], "no such token").await };
    let (told, ()) = tokio::join!(test(&id), refusing);
    assert_eq!(told["accepted"], false, "{told}");
    let message = told["message"].as_str().unwrap();
    assert!(message.contains("401") && message.contains("no such token"), "{told}");

    let id = destination(&admin, "http://127.0.0.1:1", json!({})).await;
    let told = test(&id).await;
    assert_eq!((&told["accepted"], &told["message"]), (&json!(false), &json!("no connection could be made")));
    let now = state(&admin, &id).await;
    assert_eq!((&now["delivery"]["sent_logs"], &now["delivery"]["failed_attempts"]), (&json!(0), &json!(0)));
}
