//! Files that change under a function: good ones, bad ones, and a bucket that cannot be reached.

use std::sync::Mutex as Lock;

use super::*;
use crate::config::ConfigErrors;
use crate::file::Unreadable;
use crate::store::MemoryStore;

const GOOD: &str = "version: 1\nmode: single-account\nhome_region: us-east-1\nregions: {govern: [us-east-1]}\n\
    access: {role: A}\naccounts: {root: {id: \"111122223333\"}}\n";

fn with_role(role: &str) -> String {
    GOOD.replace("role: A", &format!("role: {role}"))
}

/// A bucket that keeps versions; the last is there now. Empty: it cannot be reached.
#[derive(Clone, Debug, Default)]
struct Bucket(Arc<Lock<Vec<String>>>);

impl Bucket {
    fn put(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    fn numbered(number: usize) -> Edition {
        Edition { mark: format!("tag-{number}"), version: Some(number.to_string()) }
    }
}

#[async_trait]
impl Origin for Bucket {
    fn location(&self) -> &str {
        "s3://acme-forester/forester.yaml"
    }

    async fn edition(&self) -> Result<Edition, Unreadable> {
        match self.0.lock().unwrap().len() {
            0 => Err(Unreadable { location: "s3://acme-forester".to_owned(), message: "503".to_owned() }),
            number => Ok(Self::numbered(number)),
        }
    }

    async fn read(&self, version: Option<&str>) -> Result<(String, Edition), Unreadable> {
        let edition = self.edition().await?;
        let number = version.or(edition.version.as_deref()).unwrap().parse::<usize>().unwrap();
        Ok((self.0.lock().unwrap()[number - 1].clone(), Self::numbered(number)))
    }

    fn parse(&self, text: &str) -> Result<Config, ConfigErrors> {
        Config::parse(text, self.location())
    }
}

/// Answers with the role of its file.
struct Answering(String);

#[async_trait]
impl Job for Answering {
    async fn handle(&self, _: &Invocation, _: &Message) -> Result<Value, Failure> {
        Ok(json!(self.0))
    }
}

/// Makes such jobs, and hears of refusals, or does not.
#[derive(Clone, Default)]
struct Making {
    store: Arc<MemoryStore>,
    heard: Arc<Lock<Vec<String>>>,
    deaf: Arc<Lock<bool>>,
}

#[async_trait]
impl Make<Answering> for Making {
    async fn make(&self, config: Config) -> Result<Made<Answering>, String> {
        let job = Arc::new(Answering(config.access.role.clone()));
        Ok(Made { job, people: Arc::new(self.clone()) })
    }
}

#[async_trait]
impl Told for Making {
    async fn refused(&self, _: &str, mark: &str, problem: &str) -> Result<bool, String> {
        if *self.deaf.lock().unwrap() {
            return Err("the outbox is away".to_owned());
        }
        self.heard.lock().unwrap().push(format!("{mark}: {problem}"));
        Ok(true)
    }
}

/// A function over a bucket.
struct Stand {
    bucket: Bucket,
    making: Making,
}

impl Stand {
    fn new(text: &str) -> Self {
        let stand = Self { bucket: Bucket::default(), making: Making::default() };
        stand.bucket.put(text);
        stand
    }

    async fn start(&self, refused: Refused) -> Result<Live<Answering>, StartError> {
        let store = Arc::<MemoryStore>::clone(&self.making.store);
        Live::start("test", refused, Box::new(self.bucket.clone()), Box::new(self.making.clone()), store).await
    }

    fn heard(&self) -> Vec<String> {
        self.making.heard.lock().unwrap().clone()
    }
}

/// What the function answers so many seconds after it started.
async fn after(live: &Live<Answering>, seconds: i64) -> Result<Value, Failure> {
    let started = Timestamp::now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let invocation = Invocation { request_id: "r".to_owned(), started, deadline: started };
    live.handle(&invocation, &Message::direct("m", "{}")).await
}

#[tokio::test]
async fn new_file_is_in_force_within_a_minute() {
    let stand = Stand::new(GOOD);
    let live = stand.start(Refused::GoesOn).await.unwrap();
    stand.bucket.put(&with_role("B"));
    assert_eq!(after(&live, 10).await, Ok(json!("A")), "the file is not asked for at every message");
    assert_eq!(after(&live, 61).await, Ok(json!("B")));
}

#[tokio::test]
async fn file_with_a_mistake_is_refused_as_a_whole_and_told_once() {
    let stand = Stand::new(GOOD);
    let live = stand.start(Refused::GoesOn).await.unwrap();
    stand.bucket.put(&with_role("B").replace("version: 1", "version: 9"));
    for seconds in [61, 130, 200] {
        assert_eq!(after(&live, seconds).await, Ok(json!("A")));
    }
    let heard = stand.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert!(heard[0].starts_with("tag-2: ") && heard[0].contains("version"), "{heard:?}");
    stand.bucket.put(&with_role("C"));
    assert_eq!(after(&live, 270).await, Ok(json!("C")));
}

#[tokio::test]
async fn what_deletes_waits_until_the_file_is_mended() {
    let stand = Stand::new(GOOD);
    let live = stand.start(Refused::Stops).await.unwrap();
    stand.bucket.put("nonsense");
    let failure = after(&live, 61).await.unwrap_err();
    assert_eq!(failure.kind(), "Config");
    assert!(failure.to_string().contains("nothing is deleted until it is mended"), "{failure}");
    assert!(stand.start(Refused::Stops).await.is_err(), "nor does it start with an earlier one");
    stand.bucket.put(&with_role("B"));
    assert_eq!(after(&live, 130).await, Ok(json!("B")));
}

#[tokio::test]
async fn function_that_starts_while_the_file_is_refused_takes_the_last_good_one() {
    let stand = Stand::new(GOOD);
    stand.start(Refused::GoesOn).await.unwrap();
    stand.bucket.put("nonsense");
    let live = stand.start(Refused::GoesOn).await.unwrap();
    assert_eq!(after(&live, 0).await, Ok(json!("A")));
    assert_eq!(stand.heard().len(), 1);
}

#[tokio::test]
async fn without_a_good_one_nothing_starts_and_the_mistakes_are_said() {
    let error = Stand::new("nonsense").start(Refused::GoesOn).await.unwrap_err();
    assert!(error.to_string().contains("s3://acme-forester/forester.yaml is refused"), "{error}");
}

#[tokio::test]
async fn refusal_that_nobody_heard_is_told_again() {
    let stand = Stand::new(GOOD);
    let live = stand.start(Refused::GoesOn).await.unwrap();
    stand.bucket.put("nonsense");
    *stand.making.deaf.lock().unwrap() = true;
    assert_eq!(after(&live, 61).await, Ok(json!("A")));
    *stand.making.deaf.lock().unwrap() = false;
    assert_eq!(after(&live, 130).await, Ok(json!("A")));
    assert_eq!(stand.heard().len(), 1);
}

#[tokio::test]
async fn bucket_that_cannot_be_reached_changes_nothing() {
    let stand = Stand::new(GOOD);
    let live = stand.start(Refused::Stops).await.unwrap();
    let kept = std::mem::take(&mut *stand.bucket.0.lock().unwrap());
    assert_eq!(after(&live, 61).await, Ok(json!("A")));
    *stand.bucket.0.lock().unwrap() = kept;
    stand.bucket.put(&with_role("B"));
    assert_eq!(after(&live, 130).await, Ok(json!("B")));
}
