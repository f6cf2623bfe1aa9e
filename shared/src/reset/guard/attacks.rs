//! Attacks: whatever arrives, whatever the store holds, and whatever changes while a run is under way, nothing is done in
//! an account that is not a sandbox, and the refusal says why.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::fake::{Cloud, HOME, SANDBOX, World};
use super::super::fake_organization::FakeMember;
use super::super::slice::{Next, Order, Reset};
use super::super::verdict::Verdict;
use super::*;
use crate::aws::{CallError, CallSite, ErrorClass};
use crate::event::open;
use crate::job::{Failure, Invocation, Job};
use crate::store::{Key, Store, When};
use crate::types::Region;

const FAST: &str = "  rescan_after: 0s\n  default_vpc: delete\n";
const RUN: &str = "555566667777-20270115T080000Z";

/// Accounts of the same organization that are no sandboxes: by their place, by their tag, and by what they are.
const PROD: &str = "222233334444";
const UNTAGGED: &str = "333344445555";
const DELEGATED: &str = "444455556666";
/// Another sandbox.
const OTHER: &str = "666677778888";

fn member(name: &str, parent: &str, tagged: bool) -> FakeMember {
    let tag = tagged.then(|| ("forester-sandbox".to_owned(), "true".to_owned()));
    FakeMember {
        name: name.to_owned(),
        email: format!("aws+{name}@acme.example"),
        state: "ACTIVE",
        parent: parent.to_owned(),
        tags: tag.into_iter().collect(),
    }
}

/// An organization with sandboxes and with what must not be taken for one.
fn organization() -> Cloud {
    let mut cloud = Cloud::new().with("eu-west-1", "ListTables", (0..40).map(|n| json!(format!("table-{n:02}"))));
    cloud.account.joined = Some(cloud.now() - SignedDuration::from_hours(24 * 30));
    cloud.privileged.push(DELEGATED.parse().unwrap());
    cloud.change(|world| {
        let members = &mut world.organization.members;
        members.insert(HOME.to_owned(), member("root", "ou-ab12-11111111", true));
        members.insert(SANDBOX.to_owned(), member("sbx-ana", "ou-ab12-11111111", true));
        members.insert(OTHER.to_owned(), member("sbx-ben", "ou-ab12-11111111", true));
        members.insert(PROD.to_owned(), member("shop", "ou-ab12-99999999", true));
        members.insert(UNTAGGED.to_owned(), member("tools", "ou-ab12-11111111", false));
        members.insert(DELEGATED.to_owned(), member("security", "ou-ab12-11111111", true));
    });
    cloud
}

/// What was done in accounts that are no sandboxes. Policies are kept in the home account.
fn harm(cloud: &Cloud) -> Vec<(String, String)> {
    let world = cloud.world.lock().unwrap();
    let outside = |(account, act): &&(String, String)| {
        let policy = account == HOME && act.starts_with("organizations ") && act.contains("Policy ");
        ![SANDBOX, OTHER].contains(&account.as_str()) && !policy
    };
    world.acts.iter().filter(outside).cloned().collect()
}

/// What was done to the sandbox itself; the freeze is only a policy.
fn done(cloud: &Cloud) -> Vec<String> {
    let world = cloud.world.lock().unwrap();
    let inside = world.acts.iter().filter(|(account, act)| account != HOME && !act.starts_with("organizations "));
    inside.map(|(_, act)| act.clone()).collect()
}

fn deletes(cloud: &Cloud) -> usize {
    done(cloud).iter().filter(|act| act.contains("DeleteTable")).count()
}

// ---- what wakes the function

fn invocation(cloud: &Cloud) -> Invocation {
    let deadline = cloud.now() + SignedDuration::from_mins(5);
    Invocation { request_id: format!("request-{}", cloud.order(RUN).slice), started: cloud.now(), deadline }
}

/// Everything that a payload of Lambda brings is handled, as the edge does it.
async fn wake(reset: &Reset, cloud: &Cloud, payload: &Value) -> Vec<Result<Value, Failure>> {
    let mut answers = Vec::new();
    for message in open(payload, "invocation").messages() {
        let invocation = invocation(cloud);
        answers.push(reset.handle(&invocation, &message).await);
    }
    answers
}

/// The states of the state machine in which something is done or was done; anything else is a refusal.
fn worked(answer: &Result<Value, Failure>) -> bool {
    answer.as_ref().is_ok_and(|answer| answer.get("next").is_some_and(|next| next != "refused"))
}

#[tokio::test]
async fn slice_of_an_account_that_is_no_sandbox_is_refused_and_says_why() {
    for (account, guard) in [
        (PROD, "guard `ou`"),
        (UNTAGGED, "guard `tag`"),
        (DELEGATED, "guard `privileged`"),
        (HOME, "guard `privileged`"),
        ("999999999999", "guard `member`"),
        ("000000000000", "guard `member`"),
    ] {
        for plan in [Value::Null, json!("0123456789abcdef")] {
            let cloud = organization();
            let reset = cloud.reset(FAST);
            let event = json!({"action": "slice", "account": account, "run": "run-1", "plan": plan});
            let answers = wake(&reset, &cloud, &event).await;
            let [Ok(answer)] = answers.as_slice() else { panic!("{answers:?}") };
            assert_eq!(answer["next"], "refused");
            assert!(answer["progress"].as_str().unwrap().contains(guard), "{answer}");
            assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]), "{account}");
        }
    }
}

#[tokio::test]
async fn ids_that_only_look_like_one_are_bad_events() {
    let cloud = organization();
    let reset = cloud.reset(FAST);
    for account in [
        json!(555_566_667_777_u64),
        json!("55556666777"),
        json!(" 555566667777"),
        json!("555566667777 "),
        json!("555566667777\n"),
        json!("5555-6666-7777"),
        json!("５５５５６６６６７７７７"),
        json!("٥٥٥٥٦٦٦٦٧٧٧٧"),
        json!("0x5555666677"),
        json!("5555666677.0"),
        json!([SANDBOX]),
        json!([SANDBOX, PROD]),
        json!({"id": SANDBOX}),
        json!(null),
        json!("*"),
        json!(""),
    ] {
        for action in ["reset", "slice"] {
            let answers = wake(&reset, &cloud, &json!({"action": action, "account": account, "run": RUN})).await;
            assert!(matches!(answers.as_slice(), [Err(Failure::BadEvent(_))]), "{account} {answers:?}");
        }
    }
    // A leading zero that somebody's arithmetic has eaten leaves an id too short, never another account's.
    let answers = wake(&reset, &cloud, &json!({"action": "slice", "account": "12345678901", "run": RUN})).await;
    assert!(matches!(answers.as_slice(), [Err(Failure::BadEvent(_))]), "{answers:?}");
    assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]));
}

#[tokio::test]
async fn names_of_runs_that_are_paths_or_belong_to_others_are_refused() {
    let cloud = organization();
    let reset = cloud.reset(FAST);
    let theirs = Order { account: OTHER.parse().unwrap(), ..cloud.order("run-of-ben") };
    reset.slice(&Order { deadline: cloud.now(), ..theirs }).await.unwrap();
    for run in ["../resets", "a/b", "", "run of ana", "run\u{0}", "..", "run-of-ben"] {
        let answers = wake(&reset, &cloud, &json!({"action": "slice", "account": SANDBOX, "run": run})).await;
        let [Ok(answer)] = answers.as_slice() else { panic!("{answers:?}") };
        assert_eq!((&answer["next"], deletes(&cloud)), (&json!("refused"), 0), "{answer}");
        assert!(answer["progress"].as_str().unwrap().contains("guard `plan`: "), "{answer}");
    }
}

#[tokio::test]
async fn plan_that_nobody_made_deletes_nothing() {
    for plan in ["", "0123456789abcdef", "*", "plan", "00"] {
        let cloud = organization();
        let reset = cloud.reset(&format!("{FAST}  guards: {{approve: plan}}\n"));
        let report = cloud.drive(&reset, RUN, Some(plan.to_owned())).await.unwrap();
        assert_eq!((report.next, done(&cloud)), (Next::Refused, vec![]), "{plan}");
        assert!(report.progress.contains("the account is not as it was when plan"), "{}", report.progress);
    }
}

/// Whatever JSON there is, with words that mean something.
fn anything() -> impl Strategy<Value = Value> {
    let words = ["action", "account", "run", "plan", "source", "Records", "body", "slice", "due", "reset", "*", RUN];
    let word = prop_oneof![
        proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        proptest::sample::select(vec![SANDBOX, PROD, UNTAGGED, DELEGATED, HOME]).prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        Just(json!(222_233_334_444_u64)),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word.clone(), inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// A good event with something wrong in it.
fn mutated() -> impl Strategy<Value = Value> {
    let good = prop_oneof![
        Just(json!({"action": "slice", "account": SANDBOX, "run": RUN})),
        Just(json!({"action": "slice", "account": PROD, "run": RUN})),
        Just(json!({"action": "slice", "account": PROD, "run": RUN, "plan": "0123456789abcdef"})),
        Just(json!({"action": "reset", "account": PROD})),
        Just(json!({"action": "due"})),
        Just(json!({"source": "aws.scheduler", "account": PROD, "detail": {"account": PROD}})),
    ];
    let members = vec!["action", "account", "run", "plan", "source", "detail", "mode", "accounts", "time"];
    (good, proptest::collection::vec((proptest::sample::select(members), anything()), 0..3)).prop_map(
        |(mut event, all)| {
            for (member, value) in all {
                event[member] = value;
            }
            event
        },
    )
}

/// Bare, or in the envelopes of a queue or a topic.
fn payload() -> impl Strategy<Value = Value> {
    (prop_oneof![anything(), mutated(), mutated()], 0..3_u8).prop_map(|(event, envelope)| match envelope {
        0 => event,
        1 => json!({"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": event.to_string(), "attributes": {}}]}),
        _ => json!({"Records": [{"EventSource": "aws:sns", "Sns": {"MessageId": "m", "Message": event.to_string()}}]}),
    })
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn no_event_reaches_an_account_that_is_no_sandbox(payload in payload(), recreates in any::<bool>()) {
        let cloud = organization();
        let how = "  how: recreate\n  recreate: {email: \"aws+{name}-g{generation}@acme.example\"}\n";
        let reset = cloud.reset(&format!("{FAST}{}", if recreates { how } else { "" }));
        let answers = wait(wake(&reset, &cloud, &payload));
        prop_assert_eq!(harm(&cloud), vec![]);
        for answer in &answers {
            let named = answer.as_ref().ok().and_then(|answer| answer.get("account")?.as_str());
            prop_assert!(!worked(answer) || named == Some(SANDBOX) || named == Some(OTHER), "{answer:?}");
        }
    }

    #[test]
    fn only_the_ou_of_the_file_is_the_ou_of_the_file(
        head in proptest::sample::select(vec!["", "Sandbox", "Sandbox/", "sandbox", "Sandbo", "Prod/", "*", "**", "S\u{430}ndbox", " "]),
        tail in proptest::sample::select(vec!["", "2", " ", "/Prod", "Sandbox", "*", "%2FProd", "\u{200b}"]),
    ) {
        let Ok(ou) = format!("{head}{tail}").parse::<crate::types::OuPath>() else { return Ok(()) };
        let mut cloud = Cloud::new().with("eu-west-1", "ListTables", [json!("table")]);
        let right = ou.as_ref() == "Sandbox";
        cloud.account.ou = ou;
        let outcome = wait(cloud.drive(&cloud.reset(FAST), RUN, None));
        prop_assert_eq!(deletes(&cloud), usize::from(right));
        if let Err(error) = outcome {
            prop_assert!(error.to_string().contains("guard `ou`"), "{error}");
        }
    }
}

// ---- what changes while a run is under way

/// One thing that somebody does meanwhile, and what the refusal says.
type Change = (&'static str, fn(&mut World));

const CHANGES: [Change; 8] = [
    ("guard `ou`", |world| world.retold = Some(|account| account.ou = "Workloads/Sandbox".parse().unwrap())),
    ("guard `ou`", |world| world.retold = Some(|account| account.ou = "Sandbox2".parse().unwrap())),
    ("guard `tag`", |world| world.retold = Some(|account| account.tags.clear())),
    ("guard `active`", |world| world.retold = Some(|account| account.state = AccountState::Suspended)),
    ("guard `member`", |world| world.retold = Some(|account| account.id = PROD.parse().unwrap())),
    ("guard `privileged`", |world| world.promoted = vec![SANDBOX.parse().unwrap()]),
    ("guard `identity`: the credentials for 555566667777 belong to 222233334444", |world| {
        world.leads_to = Some(PROD.to_owned());
    }),
    ("guard `kill_switch`", |world| world.parameter = Some("on".to_owned())),
];

const SWITCH: &str = "  kill_switch: /forester/stop\n";

/// Changes the world right after the `n`th call of an operation.
fn after(cloud: &Cloud, operation: &'static str, mut n: u32, change: fn(&mut World)) {
    cloud.change(|world| {
        world.meanwhile = Some(Box::new(move |world, called| {
            n -= u32::from(called == operation && n > 0);
            if n == 0 {
                change(world);
            }
        }));
    });
}

#[tokio::test]
async fn whatever_changes_before_the_first_delete_there_is_none() {
    for (why, change) in CHANGES {
        // When the run begins, while it scans, and with the last list before it would delete.
        for (operation, n) in [("DescribeRegions", 1), ("ListTables", 1), ("DescribeTable", 40)] {
            let cloud = organization();
            after(&cloud, operation, n, change);
            let error = cloud.drive(&cloud.reset(&format!("{FAST}{SWITCH}")), RUN, None).await.unwrap_err().to_string();
            assert!(error.contains(why), "{why}: {error}");
            assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]), "{why} after {operation}");
            assert_eq!(cloud.ids().len(), 40);
        }
    }
}

#[tokio::test]
async fn whatever_changes_while_things_are_deleted_most_of_them_stay() {
    for (why, change) in CHANGES {
        let many = (0..1_500).map(|n| json!(format!("many-{n:04}")));
        let cloud = organization().with("eu-west-1", "ListTables", many);
        after(&cloud, "DeleteTable", 1, change);
        let error = cloud.drive(&cloud.reset(&format!("{FAST}{SWITCH}  limits: {{deletes: 9000}}\n")), RUN, None).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
        assert!(deletes(&cloud) < 1_000, "{why}: {} tables went", deletes(&cloud));
    }
}

#[tokio::test]
async fn credentials_that_lead_elsewhere_from_the_start_are_seen_before_anything_else() {
    let cloud = organization();
    cloud.change(|world| world.leads_to = Some(PROD.to_owned()));
    for section in ["", "  how: recreate\n  recreate: {email: \"aws+{name}-g{generation}@acme.example\"}\n"] {
        let reset = cloud.reset(&format!("{FAST}{section}"));
        let error = cloud.drive(&reset, RUN, None).await.unwrap_err().to_string();
        assert!(error.contains("guard `identity`"), "{error}");
        let error = reset.plan(&SANDBOX.parse().unwrap()).await.unwrap_err().to_string();
        assert!(error.contains("guard `identity`"), "{error}");
    }
    assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]));
}

#[tokio::test]
async fn stolen_lock_ends_the_run_before_the_first_delete() {
    for operation in ["ListTables", "DescribeTable"] {
        let cloud = organization();
        let thief = cloud.clone();
        cloud.change(|world| {
            world.fault = Some(Box::new(move |_, called, _| {
                if called == operation {
                    thief.steal_lock();
                }
                None
            }));
        });
        assert!(cloud.drive(&cloud.reset(FAST), RUN, None).await.is_err());
        assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]), "{operation}");
    }
}

// ---- a directory that lies or fails

#[derive(Clone, Copy)]
enum Lie {
    Fails(ErrorClass),
    Nobody,
    AnotherUnderThisId,
    SecondNameElsewhere,
    NothingPrivileged,
    PrivilegedFails,
    TrueOnceOnly,
}

struct Liar {
    cloud: Cloud,
    lie: Lie,
    asked: AtomicU32,
}

impl Liar {
    fn error(&self, class: ErrorClass) -> CallError {
        let region: Region = "us-east-1".parse().unwrap();
        CallSite::new("organizations", "DescribeAccount", &self.cloud.account.id, &region).error(class, "no")
    }
}

#[async_trait]
impl Directory for Liar {
    async fn accounts(&self) -> Result<Vec<Account>, CallError> {
        self.cloud.accounts().await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, CallError> {
        Ok(self.behind(id).await?.pop())
    }

    async fn behind(&self, id: &AccountId) -> Result<Vec<Account>, CallError> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let account = self.cloud.account(id).await?.unwrap();
        let elsewhere = Account { ou: "Workloads".parse().unwrap(), ..account.clone() };
        Ok(match self.lie {
            Lie::Fails(class) => return Err(self.error(class)),
            Lie::Nobody => vec![],
            Lie::AnotherUnderThisId => vec![Account { id: PROD.parse().unwrap(), ..account }],
            Lie::SecondNameElsewhere => vec![account, elsewhere],
            Lie::NothingPrivileged | Lie::PrivilegedFails => vec![account],
            Lie::TrueOnceOnly => vec![if asked == 0 { account } else { elsewhere }],
        })
    }

    async fn privileged(&self) -> Result<Vec<AccountId>, CallError> {
        match self.lie {
            Lie::NothingPrivileged => Ok(vec![]),
            Lie::PrivilegedFails => Err(self.error(ErrorClass::Denied)),
            _ => self.cloud.privileged().await,
        }
    }
}

#[tokio::test]
async fn directory_that_lies_or_fails_is_not_believed() {
    for (lie, why) in [
        (Lie::Fails(ErrorClass::Denied), "guard `member`: cannot be checked, so nothing is deleted"),
        (Lie::Fails(ErrorClass::Other), "guard `member`: cannot be checked, so nothing is deleted"),
        (Lie::Nobody, "guard `member`: 555566667777 is not an account of the organization"),
        (Lie::AnotherUnderThisId, "guard `member`: 555566667777 is not an account of the organization"),
        (Lie::SecondNameElsewhere, "guard `ou`: 555566667777 is in the OU `Workloads`"),
        (Lie::NothingPrivileged, "guard `privileged`: cannot be checked, so nothing is deleted"),
        (Lie::PrivilegedFails, "guard `privileged`: cannot be checked, so nothing is deleted"),
        (Lie::TrueOnceOnly, "guard `ou`: 555566667777 is in the OU `Workloads`"),
    ] {
        let cloud = organization();
        let liar = Liar { cloud: cloud.clone(), lie, asked: AtomicU32::new(0) };
        let reset = Reset { directory: Arc::new(liar), ..cloud.reset(FAST) };
        let error = cloud.drive(&reset, RUN, None).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]), "{why}");
    }
}

#[tokio::test]
async fn bucket_that_another_account_has_by_now_is_not_emptied() {
    let bucket = json!({"Name": "data", "BucketRegion": "eu-west-1"});
    let cloud = organization().with("us-east-1", "ListBuckets", [bucket]);
    cloud.change(|world| {
        world.objects = vec![("data".to_owned(), "orders".to_owned())];
        world.meanwhile = Some(Box::new(|world, called| {
            if called == "ListBuckets" {
                world.taken.insert("data".to_owned());
            }
        }));
    });
    let report = cloud.drive(&cloud.reset(FAST), RUN, None).await.unwrap();
    assert_eq!((harm(&cloud), cloud.world.lock().unwrap().objects.len()), (vec![], 1));
    assert_eq!(report.verdict, Some(Verdict::Red), "it is listed still, and nobody may touch it");
    let left = cloud.receipt(&report).left;
    assert!(left.iter().any(|left| left.id == "data" && left.reason.contains("AccessDenied")), "{left:?}");
}

// ---- what somebody wrote into the store

/// Runs of two sandboxes, each on its way.
async fn under_way() -> (Cloud, Reset) {
    let cloud = organization();
    let reset = cloud.reset(FAST);
    for (account, run) in [(SANDBOX, RUN), (OTHER, "run-of-ben")] {
        let order = Order { account: account.parse().unwrap(), deadline: cloud.now(), ..cloud.order(run) };
        reset.slice(&order).await.unwrap();
    }
    (cloud, reset)
}

async fn rewrite(cloud: &Cloud, run: &str, change: impl FnOnce(&mut Value)) {
    let key = Key::new("resets", run);
    let mut body = cloud.store.get(&key).await.unwrap().unwrap().body;
    change(&mut body);
    cloud.store.put(&key, body, None, When::Always).await.unwrap();
}

/// Changes the checkpoint that the head of a run points at.
async fn tamper(cloud: &Cloud, reset: &Reset, run: &str, change: impl FnOnce(&mut Value)) {
    let head = cloud.store.get(&Key::new("resets", run)).await.unwrap().unwrap().body;
    let place = head["checkpoint"].as_str().unwrap();
    let mut body = serde_json::from_slice(&reset.objects.get(place).await.unwrap().unwrap()).unwrap();
    change(&mut body);
    reset.objects.put(place, body.to_string().as_bytes(), "application/json").await.unwrap();
}

/// The next slice of the sandbox's run is refused with these words, and nothing was done anywhere.
async fn refuses(cloud: &Cloud, reset: &Reset, why: &str) {
    let error = cloud.drive(reset, RUN, None).await.unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    assert_eq!((harm(cloud), done(cloud)), (vec![], vec![]), "{why}");
}

#[tokio::test]
async fn checkpoint_of_another_account_is_not_worked_on() {
    let (cloud, reset) = under_way().await;
    let theirs = cloud.store.get(&Key::new("resets", "run-of-ben")).await.unwrap().unwrap().body;
    rewrite(&cloud, RUN, |head| head["checkpoint"] = theirs["checkpoint"].clone()).await;
    refuses(&cloud, &reset, "belongs to account 666677778888 (as run run-of-ben)").await;
    rewrite(&cloud, RUN, |head| *head = theirs.clone()).await;
    refuses(&cloud, &reset, "belongs to account 666677778888 (as run run-of-ben)").await;
    // The head says the right thing, and the checkpoint says whose it is.
    let (cloud, reset) = under_way().await;
    tamper(&cloud, &reset, RUN, |run| run["account"] = json!(PROD)).await;
    refuses(&cloud, &reset, "belongs to account 222233334444").await;
}

#[tokio::test]
async fn run_that_claims_to_be_closing_gets_none_of_the_guards_left_out() {
    let (cloud, reset) = under_way().await;
    cloud.change(|world| world.organization.members.get_mut(SANDBOX).unwrap().tags.clear());
    rewrite(&cloud, RUN, |head| head["closing"] = json!(true)).await;
    refuses(&cloud, &reset, "contradict each other about whether the account is closing").await;
    let order = Order { account: PROD.parse().unwrap(), ..cloud.order(RUN) };
    rewrite(&cloud, RUN, |head| head["account"] = json!(PROD)).await;
    tamper(&cloud, &reset, RUN, |run| run["account"] = json!(PROD)).await;
    let error = reset.slice(&order).await.unwrap_err().to_string();
    assert!(error.contains("contradict each other"), "{error}");
    assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]));
}

#[tokio::test]
async fn stage_that_somebody_wrote_into_a_checkpoint_passes_no_guard() {
    for (stage, why) in [("deleting", "guard `tag`"), ("baseline", "guard `tag`"), ("vpcs", "guard `tag`")] {
        let (cloud, reset) = under_way().await;
        tamper(&cloud, &reset, RUN, |run| run["stage"] = json!(stage)).await;
        // From the first question on: the guards of the slice have been asked by then.
        after(&cloud, "ListAccountAliases", 1, |world| world.retold = Some(|account| account.tags.clear()));
        refuses(&cloud, &reset, why).await;
    }
}

#[tokio::test]
async fn run_of_another_slice_or_an_older_state_does_no_harm_twice() {
    let (cloud, reset) = under_way().await;
    let old = cloud.store.get(&Key::new("resets", RUN)).await.unwrap().unwrap().body;
    let report = cloud.drive(&reset, RUN, None).await.unwrap();
    assert_eq!((report.next, deletes(&cloud)), (Next::Done, 40));
    rewrite(&cloud, RUN, |head| *head = old).await;
    let report = cloud.drive(&reset, RUN, None).await.unwrap();
    assert_eq!(
        (report.next, deletes(&cloud), harm(&cloud)),
        (Next::Done, 40, vec![]),
        "what is gone is not there again"
    );
}

#[tokio::test]
async fn list_of_half_done_runs_opens_no_account() {
    let cloud = organization();
    let reset = cloud.reset(FAST);
    for account in [PROD, UNTAGGED, DELEGATED] {
        let key = Key::new("recreations", account);
        cloud.store.put(&key, json!({"run": "run-1"}), None, When::Always).await.unwrap();
    }
    for due in reset.due(cloud.now()).await.unwrap().accounts {
        let event = json!({"action": "slice", "account": due.account, "run": due.run});
        let answers = wake(&reset, &cloud, &event).await;
        let sandbox = [SANDBOX, OTHER].contains(&due.account.as_ref());
        assert_eq!(answers.iter().any(worked), sandbox, "{answers:?}");
    }
    assert_eq!(harm(&cloud), vec![]);
}

// ---- accounts that are closed and made

const RECREATE: &str = "  how: recreate\n  recreate: {email: \"aws+{name}-g{generation}@acme.example\"}\n";

/// A run that has come as far as closing, which AWS puts off.
async fn about_to_close() -> (Cloud, Reset) {
    let cloud = organization();
    cloud.change(|world| {
        world.fault = Some(Box::new(|_, operation, _| {
            (operation == "CloseAccount").then_some((ErrorClass::Throttled, "TooManyRequestsException"))
        }));
    });
    let reset = cloud.reset(&format!("{RECREATE}{SWITCH}"));
    let report = reset.slice(&cloud.order(RUN)).await.unwrap();
    assert_eq!(report.next, Next::Wait);
    cloud.change(|world| {
        world.fault = None;
        world.acts.clear();
    });
    (cloud, reset)
}

#[tokio::test]
async fn every_guard_stops_the_closing_of_an_account() {
    let more: [Change; 3] = [
        ("guard `holder`", |world| world.holds = Some("keeps the organization's trail".to_owned())),
        ("guard `words`", |world| world.aliases = vec!["acme-prod".to_owned()]),
        ("guard `words`", |world| world.retold = Some(|account| account.name = "shop-prod".to_owned())),
    ];
    for (why, change) in CHANGES.into_iter().chain(more) {
        let (cloud, reset) = about_to_close().await;
        cloud.change(change);
        let told = match cloud.drive(&reset, RUN, None).await {
            Ok(report) => {
                assert_eq!(report.next, Next::Refused, "{why}");
                cloud.receipt(&report).notes.join("\n")
            }
            Err(error) => error.to_string(),
        };
        assert!(told.contains(why), "{why}: {told}");
        assert_eq!((harm(&cloud), done(&cloud)), (vec![], vec![]), "{why}");
        assert_eq!(cloud.world.lock().unwrap().organization.closed, Vec::<String>::new(), "{why}");
    }
}

#[tokio::test]
async fn what_changes_between_the_guards_and_the_close_is_seen() {
    // Kill switch and place are asked after every other guard; the account's alias is the last thing that those ask for.
    for (why, change) in CHANGES {
        let (cloud, reset) = about_to_close().await;
        after(&cloud, "ListAccountAliases", 1, change);
        let told = match cloud.drive(&reset, RUN, None).await {
            Ok(report) => cloud.receipt(&report).notes.join("\n"),
            Err(error) => error.to_string(),
        };
        assert!(told.contains(why), "{why}: {told}");
        assert_eq!(cloud.world.lock().unwrap().organization.closed, Vec::<String>::new(), "{why}");
    }
}

#[tokio::test]
async fn closing_waits_for_its_window_and_its_lock() {
    let (cloud, _) = about_to_close().await;
    let nights = "  windows: {open: [{days: [mon-fri], from: \"20:00\", to: \"23:00\"}]}\n";
    let report = cloud.reset(&format!("{RECREATE}{nights}")).slice(&cloud.order(RUN)).await.unwrap();
    assert_eq!(report.next, Next::Wait);
    assert!(report.progress.contains("guard `windows`"), "{}", report.progress);
    let (cloud, reset) = about_to_close().await;
    let thief = cloud.clone();
    cloud.change(|world| {
        world.fault = Some(Box::new(move |_, operation, _| {
            if operation == "DescribeAccount" {
                thief.steal_lock();
            }
            None
        }));
    });
    assert!(reset.slice(&cloud.order(RUN)).await.is_err());
    assert_eq!(cloud.world.lock().unwrap().organization.closed, Vec::<String>::new());
}

#[tokio::test]
async fn account_that_was_not_made_here_is_neither_moved_nor_tagged() {
    for successor in [PROD, UNTAGGED, DELEGATED, HOME] {
        let (cloud, reset) = about_to_close().await;
        rewrite(&cloud, RUN, |head| head["closing"] = json!(true)).await;
        tamper(&cloud, &reset, RUN, |run| {
            let recreation = &mut run["recreation"];
            (recreation["phase"], recreation["successor"]) = (json!("settling"), json!(successor));
            recreation["email"] = json!("aws+sbx-ana-g2@acme.example");
        })
        .await;
        let report = cloud.drive(&reset, RUN, None).await.unwrap();
        assert_eq!((report.next, harm(&cloud)), (Next::Stuck, vec![]), "{successor}");
    }
}

#[tokio::test]
async fn pool_takes_in_no_account_that_was_not_made_for_it() {
    let cloud = organization();
    let reset = cloud.reset(&format!("{RECREATE}  pool: {{ready: 1, ou: Pool, prefix: spare}}\n"));
    for (ready, name) in [(false, "spare-1"), (true, "spare-2")] {
        let entry = json!({"name": name, "email": "aws+spare-1-g2@acme.example", "account": PROD, "ready": ready,
            "request": null, "claimed": null, "failed": null});
        cloud.store.put(&Key::new("pool", name), entry, None, When::Always).await.unwrap();
    }
    reset.tend_pool().await.unwrap();
    cloud.drive(&reset, RUN, None).await.unwrap();
    let touched = |(account, _): &(String, String)| account == PROD;
    assert_eq!(harm(&cloud).into_iter().filter(touched).collect::<Vec<_>>(), vec![]);
}
