//! Every channel against an endpoint on this machine, or a fake of AWS: what it sends, and how it takes each answer.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::samples::{delivery, hostile};
use super::*;
use crate::alert::fakes::{Endpoint, FakeAccounts, FakeAws, FakeTopics, SILENCE, Seen};
use crate::alert::incident::Turn;
use crate::alert::model::Status;

/// A channel, an endpoint for it, and AWS. References to secrets are parameters of Systems Manager.
struct Stage {
    endpoint: Endpoint,
    aws: Arc<FakeAws>,
    topics: Arc<FakeTopics>,
    tools: Tools,
    channel: Declared,
}

const TOKEN: &str = "t0ken-of-somebody";

impl Stage {
    /// `declare` makes the channel of the endpoint's URL.
    async fn new(declare: impl Fn(&str) -> Value, answers: &[&str], aws: &[(&str, Value)]) -> Self {
        let endpoint = Endpoint::answering(answers).await;
        let aws = FakeAws::answering(aws);
        let topics = Arc::new(FakeTopics::default());
        let kept = Arc::<FakeTopics>::clone(&topics);
        let accounts = Arc::new(FakeAccounts(Arc::clone(&aws)));
        let tools = Tools::new(Https::impatient(Loopback::Allowed), kept, accounts, "eu-west-1".parse().unwrap());
        let channel = serde_json::from_value(declare(&endpoint.url)).unwrap();
        Self { endpoint, aws, topics, tools, channel }
    }

    /// A channel whose secret is a token.
    async fn with_token(declare: impl Fn(&str) -> Value, answers: &[&str]) -> Self {
        Self::new(declare, answers, &[("GetParameter", parameter(TOKEN))]).await
    }

    /// A channel whose secret is the endpoint's URL, with a token in it.
    async fn with_url(kind: &str, answers: &[&str]) -> Self {
        let declare = |_: &str| json!({ kind: {"url": "ssm:/hook"} });
        let mut stage = Self::new(declare, answers, &[]).await;
        stage.aws = FakeAws::answering(&[("GetParameter", parameter(&format!("{}?sig={TOKEN}", stage.endpoint.url)))]);
        let accounts = Arc::new(FakeAccounts(Arc::clone(&stage.aws)));
        let topics = Arc::<FakeTopics>::clone(&stage.topics);
        stage.tools = Tools::new(Https::impatient(Loopback::Allowed), topics, accounts, "eu-west-1".parse().unwrap());
        stage
    }

    async fn send(&self, turn: Turn, thread: Option<&Thread>) -> Outcome {
        let mut delivery = delivery(&hostile());
        delivery.turn = turn;
        if turn == Turn::Resolve {
            delivery.alert.status = Status::Resolved;
        }
        if turn == Turn::Update {
            delivery.alert.fact("found", "two events");
        }
        self.tell(&delivery, thread).await
    }

    async fn tell(&self, delivery: &Delivery, thread: Option<&Thread>) -> Outcome {
        let outcome =
            of(&self.channel).send(delivery, thread, &self.tools, "2026-11-12T04:27:00Z".parse().unwrap()).await;
        assert!(!format!("{outcome:?}").contains(TOKEN), "the outcome holds the secret: {outcome:?}");
        outcome
    }

    fn requests(&self) -> Vec<(String, Value, Seen)> {
        let path = |seen: &Seen| seen.head.split(' ').nth(1).unwrap().trim_start_matches("/hook").to_owned();
        let seen = self.endpoint.requests().into_iter();
        seen.map(|seen| (path(&seen), serde_json::from_str(&seen.body).unwrap(), seen)).collect()
    }
}

fn parameter(value: &str) -> Value {
    json!({"Parameter": {"Value": value}})
}

fn slack(api: &str) -> Value {
    json!({"slack": {"channel": "#security", "token": "ssm:/token", "api": api}})
}

fn pagerduty(api: &str) -> Value {
    json!({"pagerduty": {"key": "ssm:/token", "api": api}})
}

fn jsm(api: &str) -> Value {
    json!({"jsm": {"key": "ssm:/token", "api": api}})
}

fn jira(site: &str) -> Value {
    json!({"jira": {"site": site, "project": "SEC", "user": "bot@acme.example", "token": "ssm:/token"}})
}

const POSTED: &str = "200 OK\r\n\r\n{\"ok\":true,\"channel\":\"C0123456789\",\"ts\":\"1794457612.000200\"}";

fn accepted(outcome: &Outcome) -> Option<Thread> {
    match outcome {
        Outcome::Accepted { thread, .. } => thread.clone(),
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test]
async fn slack_opens_a_thread() {
    let stage = Stage::with_token(slack, &[POSTED]).await;
    let thread = accepted(&stage.send(Turn::First, None).await).unwrap();
    assert_eq!((thread.place.as_str(), thread.message.as_str()), ("C0123456789", "1794457612.000200"));
    let [(path, body, seen)] = &stage.requests()[..] else { panic!("not one request") };
    assert_eq!((path.as_str(), &body["channel"]), ("/chat.postMessage", &json!("#security")));
    assert_eq!(seen.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    forms::block_kit(body);
}

fn thread() -> Thread {
    Thread {
        place: "C0123456789".to_owned(),
        message: "1794457612.000200".to_owned(),
        shown: Some(Box::new(hostile())),
    }
}

#[tokio::test]
async fn slack_tells_in_the_thread_and_keeps_the_first_message_up_to_date() {
    let stage = Stage::with_token(slack, &[POSTED, POSTED]).await;
    let after = accepted(&stage.send(Turn::Update, Some(&thread())).await).unwrap();
    let [(reply, told, _), (update, first, _)] = &stage.requests()[..] else { panic!("not two requests") };
    assert_eq!((reply.as_str(), update.as_str()), ("/chat.postMessage", "/chat.update"));
    assert_eq!((&told["thread_ts"], &first["ts"]), (&json!("1794457612.000200"), &json!("1794457612.000200")));
    let told = told.to_string();
    assert!(told.contains("two events") && !told.contains("gnp.exe\"},{"), "only what is new: {told}");
    assert!(first.to_string().contains("two events"));
    assert_eq!(after.shown.unwrap().facts.last().unwrap().name, "found", "the next reply will not repeat it");
}

#[tokio::test]
async fn slack_marks_the_first_message_when_it_is_over() {
    let stage = Stage::with_token(slack, &[POSTED, POSTED]).await;
    accepted(&stage.send(Turn::Resolve, Some(&thread())).await).unwrap();
    let requests = stage.requests();
    assert!(requests[0].1["text"].as_str().unwrap().starts_with("RESOLVED"));
    let first = requests[1].1.to_string();
    assert!(first.contains("RESOLVED") && first.contains("what:"), "it still says what happened: {first}");
}

#[tokio::test]
async fn slack_begins_anew_where_the_thread_is_gone() {
    let gone = "200 OK\r\n\r\n{\"ok\":false,\"error\":\"thread_not_found\"}";
    let stage = Stage::with_token(slack, &[gone, POSTED]).await;
    assert!(accepted(&stage.send(Turn::Update, Some(&thread())).await).is_some());
    assert_eq!(stage.requests()[1].1.get("thread_ts"), None);
}

#[tokio::test]
async fn slack_that_cannot_update_has_still_been_told() {
    let locked = "200 OK\r\n\r\n{\"ok\":false,\"error\":\"edit_window_closed\"}";
    let stage = Stage::with_token(slack, &[POSTED, locked]).await;
    let after = accepted(&stage.send(Turn::Update, Some(&thread())).await).unwrap();
    assert_eq!(*after.shown.unwrap(), hostile(), "it shows what it showed");
}

#[tokio::test]
async fn slack_says_no_with_200() {
    let check = async |error: &str, expect: Outcome| {
        let stage = Stage::with_token(slack, &[&format!("200 OK\r\n\r\n{{\"ok\":false,\"error\":\"{error}\"}}")]).await;
        assert_eq!(stage.send(Turn::First, None).await, expect);
    };
    check("is_archived", Outcome::Refused("Slack says is_archived".to_owned())).await;
    check("not_in_channel", Outcome::Refused("Slack says not_in_channel".to_owned())).await;
    check("internal_error", Outcome::Later("Slack says internal_error".to_owned(), None)).await;
    check("ratelimited", Outcome::Later("Slack says ratelimited".to_owned(), None)).await;
}

#[tokio::test]
async fn slack_gets_plain_words_where_it_refuses_blocks() {
    let refused = "200 OK\r\n\r\n{\"ok\":false,\"error\":\"msg_blocks_too_long\"}";
    let stage = Stage::with_token(slack, &[refused, POSTED]).await;
    assert!(accepted(&stage.send(Turn::First, None).await).is_some());
    let plain = &stage.requests()[1].1;
    assert_eq!(plain.get("blocks"), None);
    assert!(plain["text"].as_str().unwrap().contains("&lt;!channel&gt;"), "{plain}");
}

#[tokio::test]
async fn rotated_token_is_read_anew() {
    let old = "200 OK\r\n\r\n{\"ok\":false,\"error\":\"token_revoked\"}";
    let stage =
        Stage::new(slack, &[old, POSTED], &[("GetParameter", parameter("old")), ("GetParameter", parameter(TOKEN))])
            .await;
    assert!(accepted(&stage.send(Turn::First, None).await).is_some());
    let tokens: Vec<String> =
        stage.requests().iter().map(|(_, _, seen)| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Bearer old".to_owned(), format!("Bearer {TOKEN}")]);
}

#[tokio::test]
async fn token_that_is_still_the_same_is_refused_once() {
    let revoked = "200 OK\r\n\r\n{\"ok\":false,\"error\":\"token_revoked\"}";
    let stage = Stage::with_token(slack, &[revoked, POSTED]).await;
    assert_eq!(stage.send(Turn::First, None).await, Outcome::Refused("Slack says token_revoked".to_owned()));
    assert_eq!((stage.requests().len(), stage.aws.asked("GetParameter").len()), (1, 2));
}

#[tokio::test]
async fn rotated_webhook_is_read_anew() {
    let mut stage = Stage::with_url("slack_webhook", &["404 Not Found\r\n\r\nno_service", "200 OK\r\n\r\nok"]).await;
    let url = |sig: &str| parameter(&format!("{}?sig={sig}", stage.endpoint.url));
    stage.aws = FakeAws::answering(&[("GetParameter", url("old")), ("GetParameter", url(TOKEN))]);
    let accounts = Arc::new(FakeAccounts(Arc::clone(&stage.aws)));
    let topics = Arc::<FakeTopics>::clone(&stage.topics);
    stage.tools = Tools::new(Https::impatient(Loopback::Allowed), topics, accounts, "eu-west-1".parse().unwrap());
    accepted(&stage.send(Turn::First, None).await);
    let paths: Vec<String> = stage.requests().into_iter().map(|(path, _, _)| path).collect();
    assert_eq!(paths, ["?sig=old".to_owned(), format!("?sig={TOKEN}")]);
}

/// Every channel that posts, with an answer, and what it makes of it.
async fn everywhere(answer: &str, judge: impl Fn(&str, &Outcome)) {
    for (kind, declare) in
        [("slack", slack as fn(&str) -> Value), ("pagerduty", pagerduty), ("jsm", jsm), ("jira", jira)]
    {
        judge(kind, &Stage::with_token(declare, &[answer]).await.send(Turn::First, None).await);
    }
    for kind in ["slack_webhook", "teams", "webhook"] {
        judge(kind, &Stage::with_url(kind, &[answer]).await.send(Turn::First, None).await);
    }
}

#[tokio::test]
async fn busy_vendor_is_given_the_time_it_asks_for() {
    everywhere("429 Too Many Requests\r\nretry-after: 30", |kind, outcome| {
        assert!(matches!(outcome, Outcome::Later(_, Some(wait)) if wait.as_secs() == 30), "{kind}: {outcome:?}");
    })
    .await;
    everywhere("429 Too Many Requests\r\nretry-after: Thu, 12 Nov 2026 04:28:00 GMT", |kind, outcome| {
        assert!(matches!(outcome, Outcome::Later(_, Some(wait)) if wait.as_secs() == 60), "{kind}: {outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn busy_vendor_that_names_no_time_is_given_what_it_recommends() {
    everywhere("429 Too Many Requests", |kind, outcome| {
        let expect = match kind {
            "pagerduty" => Some(Duration::from_secs(120)),
            "jsm" | "jira" => Some(Duration::from_secs(60)),
            _ => None,
        };
        assert!(matches!(outcome, Outcome::Later(_, wait) if *wait == expect), "{kind}: {outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn broken_vendor_is_tried_again() {
    for answer in ["500 Internal Server Error", "503 Service Unavailable", SILENCE] {
        everywhere(answer, |kind, outcome| {
            assert!(matches!(outcome, Outcome::Later(_, None)), "{kind} {answer}: {outcome:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn what_stays_wrong_is_not_tried_again() {
    let echo = format!("400 Bad Request\r\n\r\nno such thing as {TOKEN} at /hook?sig={TOKEN}");
    for answer in [
        echo.as_str(),
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "410 Gone",
        "302 Found\r\nlocation: https://evil.example/",
    ] {
        everywhere(answer, |kind, outcome| {
            assert!(matches!(outcome, Outcome::Refused(_)), "{kind} {answer}: {outcome:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn answer_of_slack_that_says_nothing_is_no_success() {
    let stage = Stage::with_token(slack, &["200 OK\r\n\r\n<html>"]).await;
    assert!(matches!(stage.send(Turn::First, None).await, Outcome::Later(..)));
}

#[tokio::test]
async fn vendor_elsewhere_gets_nothing() {
    let url = parameter("https://evil.example/services/T/B/x");
    for kind in ["slack_webhook", "teams"] {
        let stage = Stage::new(|_| json!({ kind: {"url": "ssm:/hook"} }), &[], &[("GetParameter", url.clone())]).await;
        let refused = "the address is not allowed: its host is not one of this kind of channel";
        assert_eq!(stage.send(Turn::First, None).await, Outcome::Refused(refused.to_owned()));
    }
}

#[tokio::test]
async fn secret_that_cannot_be_read_is_asked_for_again_later() {
    let stage = Stage::new(pagerduty, &[], &[]).await;
    let outcome = stage.send(Turn::First, None).await;
    assert!(matches!(&outcome, Outcome::Later(why, None) if why.starts_with("cannot read ssm:/token")), "{outcome:?}");
    assert!(stage.requests().is_empty());
}

#[tokio::test]
async fn pagerduty_opens_and_closes_the_same_alert() {
    let taken = "202 Accepted\r\n\r\n{\"status\":\"success\"}";
    let stage = Stage::with_token(pagerduty, &[taken, taken, taken]).await;
    for turn in [Turn::First, Turn::Update, Turn::Resolve] {
        accepted(&stage.send(turn, None).await);
    }
    let requests = stage.requests();
    let actions: Vec<&Value> = requests.iter().map(|(_, event, _)| &event["event_action"]).collect();
    assert_eq!(actions, ["trigger", "trigger", "resolve"]);
    let keys: std::collections::BTreeSet<String> =
        requests.iter().map(|(_, event, _)| event["dedup_key"].to_string()).collect();
    assert_eq!(
        (keys.len(), &requests[0].0, &requests[0].1["routing_key"]),
        (1, &"/v2/enqueue".to_owned(), &json!(TOKEN))
    );
}

#[tokio::test]
async fn jsm_opens_notes_and_closes_the_same_alert() {
    let taken = "202 Accepted\r\n\r\n{\"result\":\"Request will be processed\",\"requestId\":\"r\"}";
    let stage = Stage::with_token(jsm, &[taken; 4]).await;
    let thread = accepted(&stage.send(Turn::First, None).await);
    stage.send(Turn::Update, thread.as_ref()).await;
    stage.send(Turn::Resolve, thread.as_ref()).await;
    stage.send(Turn::Update, None).await;
    let requests = stage.requests();
    let alias = requests[0].1["alias"].as_str().unwrap();
    let paths: Vec<&str> = requests.iter().map(|(path, _, _)| path.as_str()).collect();
    let notes = format!("/v2/alerts/{alias}/notes?identifierType=alias");
    let close = format!("/v2/alerts/{alias}/close?identifierType=alias");
    assert_eq!(paths, ["/v2/alerts", &notes, &close, "/v2/alerts"], "an update of what was never opened opens it");
    assert_eq!(requests[0].2.header("authorization"), Some(format!("GenieKey {TOKEN}").as_str()));
}

#[tokio::test]
async fn what_somebody_has_taken_wakes_nobody_else() {
    let mut delivery = delivery(&hostile());
    delivery.turn = Turn::Update;
    delivery.alert.label(ACKNOWLEDGED, "ana@acme.example");
    let stage = Stage::with_token(pagerduty, &["202 Accepted"]).await;
    accepted(&stage.tell(&delivery, None).await);
    assert_eq!(stage.requests()[0].1["event_action"], "acknowledge");
    let stage = Stage::with_token(jsm, &["202 Accepted"]).await;
    let thread = Thread { place: delivery.incident.clone(), message: String::new(), shown: None };
    accepted(&stage.tell(&delivery, Some(&thread)).await);
    assert!(stage.requests()[0].0.ends_with("/acknowledge?identifierType=alias"), "{}", stage.requests()[0].0);
}

#[tokio::test]
async fn jira_searches_opens_and_comments() {
    let (none, made) = ("200 OK\r\n\r\n{\"issues\":[]}", "201 Created\r\n\r\n{\"id\":\"1\",\"key\":\"SEC-7\"}");
    let stage = Stage::with_token(jira, &[none, made, "201 Created\r\n\r\n{\"id\":\"2\"}"]).await;
    let thread = accepted(&stage.send(Turn::First, None).await).unwrap();
    assert_eq!(thread.place, "SEC-7");
    accepted(&stage.send(Turn::Resolve, Some(&thread)).await);
    let requests = stage.requests();
    let paths: Vec<&str> = requests.iter().map(|(path, _, _)| path.as_str()).collect();
    assert_eq!(paths, ["/rest/api/3/search/jql", "/rest/api/3/issue", "/rest/api/3/issue/SEC-7/comment"]);
    let label = requests[1].1["fields"]["labels"][1].as_str().unwrap();
    assert!(requests[0].1["jql"].as_str().unwrap().contains(&format!("labels = \"{label}\"")));
    forms::document(&requests[2].1["body"]);
    let pair = STANDARD.encode(format!("bot@acme.example:{TOKEN}"));
    assert_eq!(requests[0].2.header("authorization"), Some(format!("Basic {pair}").as_str()));
}

#[tokio::test]
async fn jira_does_not_open_a_second_issue() {
    let found = "200 OK\r\n\r\n{\"issues\":[{\"id\":\"1\",\"key\":\"SEC-7\"}]}";
    let stage = Stage::with_token(jira, &[found, "201 Created\r\n\r\n{\"id\":\"2\"}"]).await;
    assert_eq!(accepted(&stage.send(Turn::First, None).await).unwrap().place, "SEC-7");
    assert_eq!(stage.requests()[1].0, "/rest/api/3/issue/SEC-7/comment");
}

#[tokio::test]
async fn jira_opens_no_issue_for_what_is_over() {
    let stage = Stage::with_token(jira, &["200 OK\r\n\r\n{\"issues\":[]}"]).await;
    assert_eq!(accepted(&stage.send(Turn::Resolve, None).await), None);
    assert_eq!(stage.requests().len(), 1);
}

#[tokio::test]
async fn jira_whose_key_is_a_path_is_not_followed() {
    let found = "200 OK\r\n\r\n{\"issues\":[{\"key\":\"../../../other\"}]}";
    let stage = Stage::with_token(jira, &[found, "201 Created\r\n\r\n{\"key\":\"SEC-8\"}"]).await;
    accepted(&stage.send(Turn::First, None).await);
    assert_eq!(stage.requests()[1].0, "/rest/api/3/issue");
}

#[tokio::test]
async fn workflow_has_begun_with_202() {
    let stage = Stage::with_url("teams", &["202 Accepted"]).await;
    assert_eq!(stage.send(Turn::First, None).await, Outcome::accepted("the workflow has begun"));
    forms::adaptive_card(&stage.requests()[0].1);
}

fn email(_: &str) -> Value {
    json!({"email": {"from": "forester@acme.example", "to": ["security@acme.example", "{owner}"], "domains": ["acme.example"]}})
}

#[tokio::test]
async fn mail_of_an_incident_refers_to_the_same_id() {
    let stage = Stage::new(email, &[], &[("SendEmail", json!({"MessageId": "m-1"}))]).await;
    assert_eq!(stage.send(Turn::First, None).await, Outcome::accepted("taken by SES as m-1"));
    accepted(&stage.send(Turn::Resolve, None).await);
    let sent = stage.aws.asked("SendEmail");
    let root = |n: usize| {
        let headers = sent[n]["Content"]["Simple"]["Headers"].as_array().unwrap();
        headers.iter().find(|header| header["Name"] == "References").unwrap()["Value"].clone()
    };
    assert_eq!(root(0), root(1));
    assert!(root(0).as_str().unwrap().ends_with("@acme.example>"), "{}", root(0));
}

#[tokio::test]
async fn mail_to_nobody_is_refused_and_says_why() {
    let owner = |_: &str| json!({"email": {"from": "f@acme.example", "to": ["{owner}"], "domains": ["acme.example"]}});
    let stage = Stage::new(owner, &[], &[("SendEmail", json!({"MessageId": "m-1"}))]).await;
    let outcome = stage.send(Turn::First, None).await;
    assert!(
        matches!(&outcome, Outcome::Refused(why) if why.contains("it is no address in acme.example")),
        "{outcome:?}"
    );
    assert!(stage.aws.asked("SendEmail").is_empty());
}

fn bus(_: &str) -> Value {
    json!({"eventbridge": {"bus": "arn:aws:events:eu-west-1:111122223333:event-bus/alerts"}})
}

#[tokio::test]
async fn bus_gets_the_alert_as_data() {
    let taken = json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e-1"}]});
    let stage = Stage::new(bus, &[], &[("PutEvents", taken)]).await;
    assert_eq!(stage.send(Turn::First, None).await, Outcome::accepted("taken as e-1"));
    let entry = stage.aws.asked("PutEvents")[0]["Entries"][0].clone();
    let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
    assert_eq!((&entry["Source"], &detail["alert"]["severity"]), (&json!("forester.alerts"), &json!("critical")));
}

#[tokio::test]
async fn bus_that_refuses_an_entry_with_200_has_not_taken_it() {
    let refused =
        json!({"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}]});
    let stage = Stage::new(bus, &[], &[("PutEvents", refused)]).await;
    assert!(matches!(stage.send(Turn::First, None).await, Outcome::Later(..)));
}

#[tokio::test]
async fn refusal_of_aws_says_what_was_refused() {
    for declare in [email as fn(&str) -> Value, bus] {
        let outcome = Stage::new(declare, &[], &[]).await.send(Turn::First, None).await;
        assert!(matches!(&outcome, Outcome::Refused(why) if why.contains("AccessDenied")), "{outcome:?}");
    }
}

#[tokio::test]
async fn chat_notification_is_threaded_by_its_incident() {
    let topic = |_: &str| json!({"amazon_q": {"topic": "arn:aws:sns:eu-west-1:111122223333:chat"}});
    let stage = Stage::new(topic, &[], &[]).await;
    accepted(&stage.send(Turn::First, None).await);
    accepted(&stage.send(Turn::Resolve, None).await);
    let published = stage.topics.0.lock().unwrap().clone();
    let thread = |n: usize| serde_json::from_str::<Value>(&published[n].2).unwrap()["metadata"]["threadId"].clone();
    assert_eq!(thread(0), thread(1));
}
