//! The Lambda Runtime API as a function sees it, so that tests and benchmarks run the real binaries.
//!
//! One [`Function`] is one execution environment: it starts the binary with Lambda's environment variables, gives it
//! one event at a time, and tells what became of each. It holds to
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>, and to Lambda's words for a process that ends or
//! takes too long. It puts no limit on the processor: on AWS, add about 14 ms of platform to a start.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};

use crate::http::{Request, Response, Server};

const API: &str = "/2018-06-01/runtime/";
/// The account that the function believes it runs in.
pub const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";
const PATIENCE: Duration = Duration::from_secs(60);

/// A running function.
#[derive(Debug)]
pub struct Function {
    /// From starting the process to its first call for an event.
    pub first_poll: Duration,
    child: Child,
    log: File,
    events: mpsc::UnboundedSender<Event>,
    reports: mpsc::UnboundedReceiver<Report>,
    _server: Server,
}

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What the function said.
    pub answer: Answer,
    /// From handing over the event to the answer.
    pub elapsed: Duration,
}

/// What the function said.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It returned a value.
    Response(Value),
    /// It returned an error, ended (`Runtime.ExitError`) or took too long (`Sandbox.Timedout`).
    Error {
        /// The error's type.
        kind: String,
        /// The error's message.
        message: String,
    },
}

/// What the process holds in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// Resident now (`VmRSS`).
    pub rss_kib: u64,
    /// Resident at most so far (`VmHWM`).
    pub peak_kib: u64,
}

/// Why a function did not come up, with the end of its log.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program could not be started.
    #[error("cannot start {program}")]
    Spawn {
        /// The path of the program.
        program: String,
        /// The system's reason.
        #[source]
        cause: std::io::Error,
    },
    /// The function reported an initialization error.
    #[error("the function reported {kind}: {message}\n{log}")]
    Init {
        /// The error's type.
        kind: String,
        /// The error's message.
        message: String,
        /// What it logged.
        log: String,
    },
    /// The process ended before it asked for an event.
    #[error("the function ended before its first event, {status}\n{log}")]
    Ended {
        /// How it ended.
        status: String,
        /// What it logged.
        log: String,
    },
    /// The process runs, and did not ask for an event.
    #[error("the function did not ask for an event in {PATIENCE:?}\n{log}")]
    Silent {
        /// What it logged.
        log: String,
    },
}

#[derive(Debug)]
struct Event {
    request: String,
    body: Vec<u8>,
}

#[derive(Debug)]
enum Report {
    Polled { at: Instant },
    Answered { request: String, answer: Answer, at: Instant },
    InitFailed { kind: String, message: String },
}

impl Function {
    /// Starts `program` as Lambda would, with `environment` set besides what Lambda sets, and waits for its first call.
    pub async fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        program: &Path,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, StartError> {
        let spawn_error = |cause| StartError::Spawn { program: program.display().to_string(), cause };
        let (events, inbox) = mpsc::unbounded_channel();
        let (desk, reports) = mpsc::unbounded_channel();
        let (inbox, desk) = (Arc::new(Mutex::new(inbox)), Arc::new(desk));
        let server = Server::start(move |request| serve(request, Arc::clone(&inbox), Arc::clone(&desk)));
        let server = server.await.map_err(spawn_error)?;
        let log = unnamed_file().map_err(spawn_error)?;
        let mut command = command(program, &server.address.to_string(), &log).map_err(spawn_error)?;
        command.envs(environment);
        let began = Instant::now();
        let child = command.spawn().map_err(spawn_error)?;
        let mut function = Self { first_poll: Duration::ZERO, child, log, events, reports, _server: server };
        function.first_poll = function.polled().await?.duration_since(began);
        Ok(function)
    }

    /// Gives the function an event and waits for its answer.
    pub async fn invoke(&mut self, event: &Value) -> Outcome {
        self.invoke_bytes(event.to_string()).await
    }

    /// The same with any bytes, JSON or not.
    pub async fn invoke_bytes(&mut self, event: impl Into<Vec<u8>>) -> Outcome {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let request = format!("00000000-0000-4000-8000-{:012}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let began = Instant::now();
        // The other end lives in the server, which this value owns.
        drop(self.events.send(Event { request: request.clone(), body: event.into() }));
        let (answer, at) = match tokio::time::timeout(PATIENCE, self.answered(&request)).await {
            Ok(answered) => answered,
            Err(_) => {
                drop(self.child.start_kill());
                (
                    error("Sandbox.Timedout", format!("RequestId: {request} timed out after {PATIENCE:?}")),
                    Instant::now(),
                )
            }
        };
        Outcome { answer, elapsed: at.duration_since(began) }
    }

    /// Everything that the function has written to its standard output and error.
    pub fn log(&self) -> String {
        let length = self.log.metadata().map(|about| about.len()).unwrap_or_default();
        let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
        let read = self.log.read_at(&mut bytes, 0).unwrap_or_default();
        bytes.truncate(read);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What the process holds in memory now; zero once it has ended.
    pub fn memory(&self) -> Memory {
        let status = self.child.id().and_then(|id| fs::read_to_string(format!("/proc/{id}/status")).ok());
        memory(&status.unwrap_or_default())
    }

    /// Ends the process, as Lambda does with an environment that it no longer needs, and gives the log.
    pub async fn stop(mut self) -> String {
        drop(self.child.kill().await);
        self.log()
    }

    async fn polled(&mut self) -> Result<Instant, StartError> {
        tokio::select! {
            biased;
            report = self.reports.recv() => match report {
                Some(Report::Polled { at }) => Ok(at),
                Some(Report::InitFailed { kind, message }) => Err(StartError::Init { kind, message, log: self.log() }),
                Some(Report::Answered { .. }) | None => Err(StartError::Silent { log: self.log() }),
            },
            status = self.child.wait() => Err(StartError::Ended { status: told(status), log: self.log() }),
            () = tokio::time::sleep(PATIENCE) => Err(StartError::Silent { log: self.log() }),
        }
    }

    async fn answered(&mut self, wanted: &str) -> (Answer, Instant) {
        loop {
            tokio::select! {
                biased;
                report = self.reports.recv() => {
                    if let Some(Report::Answered { request, answer, at }) = report && request == wanted {
                        return (answer, at);
                    }
                }
                status = self.child.wait() => {
                    let message = format!("RequestId: {wanted} Error: Runtime exited, {}", told(status));
                    return (error("Runtime.ExitError", message), Instant::now());
                }
            }
        }
    }
}

/// Answers one call of the function.
async fn serve(
    request: Request,
    inbox: Arc<Mutex<mpsc::UnboundedReceiver<Event>>>,
    desk: Arc<mpsc::UnboundedSender<Report>>,
) -> Response {
    let at = Instant::now();
    let path: Vec<&str> = request.path.strip_prefix(API).unwrap_or_default().split('/').collect();
    let report = match path.as_slice() {
        ["invocation", "next"] => {
            drop(desk.send(Report::Polled { at }));
            return next(inbox).await;
        }
        ["invocation", id, "response"] => {
            // Lambda hands any bytes on; ours are JSON, and a test should see it if they are not.
            let answer = serde_json::from_slice(&request.body).map_or_else(
                |cause| error("Test.NotJson", format!("{cause}: {}", String::from_utf8_lossy(&request.body))),
                Answer::Response,
            );
            Report::Answered { request: (*id).to_owned(), answer, at }
        }
        ["invocation", id, "error"] => {
            let (kind, message) = diagnostic(&request.body);
            Report::Answered { request: (*id).to_owned(), answer: Answer::Error { kind, message }, at }
        }
        ["init", "error"] => {
            let (kind, message) = diagnostic(&request.body);
            Report::InitFailed { kind, message }
        }
        _ => return Response::json(404, r#"{"errorMessage":"no such call","errorType":"NotFound"}"#),
    };
    drop(desk.send(report));
    Response::json(202, r#"{"status":"OK"}"#)
}

/// Waits for the next event and hands it over.
async fn next(inbox: Arc<Mutex<mpsc::UnboundedReceiver<Event>>>) -> Response {
    let Some(event) = inbox.lock().await.recv().await else {
        return Response::json(410, r#"{"errorMessage":"the environment is gone","errorType":"Gone"}"#);
    };
    let deadline = Timestamp::now().as_millisecond() + i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX);
    let mut response = Response::json(200, event.body);
    response.headers.extend([
        ("lambda-runtime-aws-request-id", event.request),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:local")),
        ("lambda-runtime-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0".to_owned()),
    ]);
    response
}

/// The program with nothing of our environment and everything of Lambda's.
fn command(program: &Path, api: &str, log: &File) -> std::io::Result<Command> {
    let name = program.file_name().unwrap_or_default();
    let mut command = Command::new(program);
    command.env_clear().env("AWS_LAMBDA_FUNCTION_NAME", name).env("AWS_LAMBDA_LOG_GROUP_NAME", name).envs([
        ("AWS_LAMBDA_RUNTIME_API", api),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local"),
        ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", ACCOUNT),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("_HANDLER", "bootstrap"),
        ("LANG", "en_US.UTF-8"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("TZ", ":UTC"),
    ]);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log.try_clone()?).kill_on_drop(true);
    Ok(command)
}

/// A file that is gone when nobody holds it. Unlike a pipe it needs no reader, and has every line that was written
/// before an answer when the answer comes.
fn unnamed_file() -> std::io::Result<File> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let name = format!("forester-function-{}-{}.log", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

fn diagnostic(body: &[u8]) -> (String, String) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("errorType"), text("errorMessage"))
}

fn error(kind: &str, message: String) -> Answer {
    Answer::Error { kind: kind.to_owned(), message }
}

fn told(status: std::io::Result<ExitStatus>) -> String {
    status.map_or_else(|cause| cause.to_string(), |status| status.to_string())
}

/// What a process holds, if it is still there.
pub fn memory_of(process: u32) -> Option<Memory> {
    fs::read_to_string(format!("/proc/{process}/status")).ok().map(|status| memory(&status))
}

/// Reads `/proc/PID/status`.
fn memory(status: &str) -> Memory {
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|text| text.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or_default()
    };
    Memory { rss_kib: kib("VmRSS"), peak_kib: kib("VmHWM") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernels_words() {
        let status = "Name:\tbootstrap\nVmPeak:\t   90000 kB\nVmHWM:\t    7164 kB\nVmRSS:\t    6920 kB\n";
        assert_eq!(memory(status), Memory { rss_kib: 6920, peak_kib: 7164 });
        assert_eq!(memory(""), Memory::default());
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_named() {
        let environment: [(&str, &str); 0] = [];
        let problem = Function::start(Path::new("/nowhere/bootstrap"), environment).await.unwrap_err();
        assert_eq!(problem.to_string(), "cannot start /nowhere/bootstrap");
    }

    #[tokio::test]
    async fn a_program_that_never_asks_for_an_event_is_not_waited_for() {
        let environment: [(&str, &str); 0] = [];
        let problem = Function::start(Path::new("/bin/false"), environment).await.unwrap_err();
        assert!(matches!(problem, StartError::Ended { .. }), "{problem}");
    }
}
