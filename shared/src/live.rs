//! A function whose file may change while it serves: the new one is taken up within a minute, without a deployment.
//!
//! A file with a mistake is refused as a whole. The last good one stays in force, also for functions that start
//! meanwhile where the bucket keeps versions, and people are told. What deletes does not go on with a file that somebody
//! meant to replace: it waits until the new one is good.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::aws::Sdk;
use crate::config::Config;
use crate::event::Message;
use crate::file::{self, Edition, Origin};
use crate::forester::{Forester, Settings, StartError};
use crate::job::{Failure, Invocation, Job};
use crate::store::{Key, Store, When};
use crate::telemetry::{Metric, emit};

/// How old what is known of the file may be.
const LOOK: SignedDuration = SignedDuration::from_secs(60);

/// What a function does while the file that is there is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It goes on with the last good one.
    GoesOn,
    /// It does nothing: a mistake must not keep what the new file protects from being protected.
    Stops,
}

/// A job, made anew from each good edition of the file.
struct Live<J> {
    name: &'static str,
    origin: Box<dyn Origin>,
    make: Box<dyn Make<J>>,
    refused: Refused,
    store: Arc<dyn Store>,
    state: Mutex<State<J>>,
}

/// What is in force, and what is known of the file.
struct State<J> {
    made: Made<J>,
    seen: Edition,
    looked: Timestamp,
    /// Why the edition that is there is not the one in force.
    problem: Option<String>,
}

/// A job, and what else was made of the same file.
struct Made<J> {
    job: Arc<J>,
    people: Arc<dyn Told>,
}

/// Who hears of a file that is refused.
#[async_trait]
pub(crate) trait Told: Send + Sync {
    /// Tells that what stands at `location` is refused, once for each `mark`; `false` where nobody is named to hear it.
    async fn refused(&self, location: &str, mark: &str, problem: &str) -> Result<bool, String>;
}

/// Makes the parts of a file, and the job of them.
#[async_trait]
trait Make<J>: Send + Sync {
    async fn make(&self, config: Config) -> Result<Made<J>, String>;
}

/// Makes them as a function does when it starts.
struct Wiring<F> {
    settings: Settings,
    sdk: Sdk,
    store: Arc<dyn Store>,
    job: F,
}

#[async_trait]
impl<J, E, F> Make<J> for Wiring<F>
where
    J: Job,
    E: fmt::Display,
    F: Fn(&Forester) -> Result<J, E> + Send + Sync,
{
    async fn make(&self, config: Config) -> Result<Made<J>, String> {
        let store = Arc::clone(&self.store);
        let forester = Forester::wired(self.settings.clone(), config, self.sdk.clone(), store).await;
        let forester = forester.map_err(|error| error.to_string())?;
        let job = Arc::new((self.job)(&forester).map_err(|error| error.to_string())?);
        Ok(Made { job, people: Arc::new(forester) })
    }
}

/// Serves the Lambda function `name` with the file as it is at any time. `job` makes the job from the parts.
pub async fn run<J, E, F>(name: &'static str, refused: Refused, job: F) -> Result<(), lambda_runtime::Error>
where
    J: Job + 'static,
    E: fmt::Display + 'static,
    F: Fn(&Forester) -> Result<J, E> + Send + Sync + 'static,
{
    crate::telemetry::start_for_lambda();
    let settings = Settings::from_env(|name| std::env::var(name).ok())?;
    let sdk = Sdk::load().await;
    let origin = file::at(&settings.config, &sdk).await?;
    let store = Forester::store(&settings, &sdk);
    let wiring = Wiring { settings, sdk, store: Arc::clone(&store), job };
    let live = Live::start(name, refused, origin, Box::new(wiring), store).await?;
    crate::function::serve(name, live).await
}

impl<J: Job> Live<J> {
    /// With the file that is there; if that one is refused, with the last that was good.
    async fn start(
        name: &'static str,
        refused: Refused,
        origin: Box<dyn Origin>,
        make: Box<dyn Make<J>>,
        store: Arc<dyn Store>,
    ) -> Result<Self, StartError> {
        let (read, known) = tokio::join!(origin.read(None), last_good(store.as_ref(), origin.location()));
        let ((text, seen), looked) = (read?, Timestamp::now());
        let (made, problem) = match made(origin.as_ref(), make.as_ref(), &text).await {
            Ok(made) => {
                remember(store.as_ref(), origin.location(), &seen, known.as_ref()).await;
                (made, None)
            }
            Err(problem) => {
                let last = known.filter(|_| refused == Refused::GoesOn).and_then(|edition| edition.version);
                let made = earlier(origin.as_ref(), make.as_ref(), last, &problem).await?;
                tell(&made, origin.location(), &seen, &problem).await;
                (made, Some(problem))
            }
        };
        Ok(Self { name, origin, make, refused, store, state: Mutex::new(State { made, seen, looked, problem }) })
    }

    /// The job of the file that is in force now.
    async fn now(&self, invocation: &Invocation) -> Result<Arc<J>, Failure> {
        let mut state = self.state.lock().await;
        if invocation.started.duration_since(state.looked) >= LOOK {
            state.looked = invocation.started;
            self.look(&mut state).await;
        }
        match (&state.problem, self.refused) {
            (Some(problem), Refused::Stops) => Err(Failure::Config(format!(
                "{} is refused, and nothing is deleted until it is mended: {problem}",
                self.origin.location()
            ))),
            _ => Ok(Arc::clone(&state.made.job)),
        }
    }

    /// Takes up what is new. Whatever cannot be reached now is looked at again a minute later.
    async fn look(&self, state: &mut State<J>) {
        let new = match self.origin.edition().await {
            Ok(edition) if edition == state.seen => {
                if state.problem.is_some() {
                    count();
                }
                return;
            }
            Ok(_) => self.origin.read(None).await,
            Err(error) => Err(error),
        };
        let (text, edition) = match new {
            Ok(new) => new,
            Err(error) => return tracing::warn!("the file in force may not be the newest: {error}"),
        };
        match made(self.origin.as_ref(), self.make.as_ref(), &text).await {
            Ok(made) => {
                tracing::info!(edition = edition.mark, "a new edition of {} is in force", self.origin.location());
                remember(self.store.as_ref(), self.origin.location(), &edition, None).await;
                *state = State { made, seen: edition, looked: state.looked, problem: None };
            }
            Err(problem) => {
                // Where nobody could be told, the same edition is looked at again.
                if tell(&state.made, self.origin.location(), &edition, &problem).await {
                    state.seen = edition;
                }
                state.problem = Some(problem);
            }
        }
    }
}

impl<J> fmt::Debug for Live<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Live({} by {:?})", self.name, self.origin)
    }
}

#[async_trait]
impl<J: Job> Job for Live<J> {
    async fn handle(&self, invocation: &Invocation, message: &Message) -> Result<Value, Failure> {
        self.now(invocation).await?.handle(invocation, message).await
    }
}

/// What is made of a text, or what is wrong with it.
async fn made<J>(origin: &dyn Origin, make: &dyn Make<J>, text: &str) -> Result<Made<J>, String> {
    make.make(origin.parse(text).map_err(|errors| errors.to_string())?).await
}

/// What is made of an earlier version.
async fn earlier<J>(
    origin: &dyn Origin,
    make: &dyn Make<J>,
    version: Option<String>,
    problem: &str,
) -> Result<Made<J>, StartError> {
    let refused = || StartError::Refused { location: origin.location().to_owned(), problem: problem.to_owned() };
    let version = version.ok_or_else(refused)?;
    let (text, _) = origin.read(Some(&version)).await?;
    made(origin, make, &text).await.map_err(|_| refused())
}

fn key(location: &str) -> Key {
    Key::new("configuration", location)
}

/// The edition that was good last. Only its name is remembered, never the text: whoever can write to the table can choose
/// among what the bucket has seen, and no more.
async fn last_good(store: &dyn Store, location: &str) -> Option<Edition> {
    let read = store.get(&key(location)).await.and_then(|item| item.map(|item| item.read()).transpose());
    read.unwrap_or_else(|error| {
        tracing::warn!("the last good version of {location} is not known: {error}");
        None
    })
}

/// Remembers the edition as good, if the bucket keeps it and it is not `known` already.
async fn remember(store: &dyn Store, location: &str, edition: &Edition, known: Option<&Edition>) {
    if edition.version.is_none() || known == Some(edition) {
        return;
    }
    if let Err(error) = store.put(&key(location), json!(edition), None, When::Always).await {
        tracing::warn!("the good version of {location} could not be remembered: {error}");
    }
}

/// Counts that a function works without the file that is there: at every look while that lasts, so that the alarm on it
/// lasts as long. One metric for all functions, because they have one file; whose line it is says the log group.
fn count() {
    emit("configuration", &[Metric::count("ConfigurationRefused", 1)]);
}

/// Tells people that an edition is refused; `false` where that failed.
async fn tell<J>(made: &Made<J>, location: &str, edition: &Edition, problem: &str) -> bool {
    count();
    tracing::error!(edition = edition.mark, "{location} is refused, and the last good one stays in force: {problem}");
    match made.people.refused(location, &edition.mark, problem).await {
        Ok(_) => true,
        Err(error) => {
            tracing::error!("nobody could be told that {location} is refused: {error}");
            false
        }
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
