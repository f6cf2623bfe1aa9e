//! What a function weighs and how fast it starts, beside the budgets that the project keeps.
//!
//! Figures, no verdict: a start on a busy machine says little, so the machine and its load are printed with them.

pub mod alerts;
pub mod emptying;
pub mod growth;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::http::{Request, Response, Server};
use crate::runtime_api::{ACCOUNT, Function, Memory, StartError};

/// How often each function is started.
pub const STARTS: usize = 30;

const KIB_PER_MIB: f64 = 1024.0;

/// A function as it goes to Lambda.
#[derive(Debug, Default)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Where its binary is.
    pub program: PathBuf,
    /// Bytes of the binary and of the zip, if they were weighed.
    pub size: Option<(u64, u64)>,
    /// One entry a start.
    pub starts: Vec<Start>,
    /// Why it did not start.
    pub refused: Option<StartError>,
}

/// One start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// From starting the process to its first call for an event.
    pub first_poll: Duration,
    /// What it held at that moment.
    pub memory: Memory,
    /// Calls to AWS until then.
    pub calls: usize,
}

impl Subject {
    /// The function `name` in `directory`, where `NAME` is its binary and `NAME.zip` its package.
    pub fn new(directory: &Path, name: &str) -> Self {
        Self { name: name.to_owned(), program: directory.join(name), ..Self::default() }
    }

    /// Reads the sizes.
    pub fn weigh(&mut self) -> std::io::Result<()> {
        let bytes = |path: &Path| fs::metadata(path).map(|about| about.len());
        self.size = Some((bytes(&self.program)?, bytes(&self.program.with_extension("zip"))?));
        Ok(())
    }
}

/// Starts each function in turn, so that a busy moment of the machine touches all of them alike.
pub async fn start_all(subjects: &mut [Subject], config: &Path) -> std::io::Result<()> {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let aws = Server::start(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move { aws(&request) }
    });
    let aws = aws.await?;
    // The first round brings the binaries into memory and does not count.
    for round in 0..=STARTS {
        for subject in subjects.iter_mut().filter(|subject| subject.refused.is_none()) {
            calls.store(0, Ordering::Relaxed);
            match Function::start(&subject.program, environment(&aws.url(), config)).await {
                Ok(function) => {
                    let start = Start {
                        first_poll: function.first_poll,
                        memory: function.memory(),
                        calls: calls.load(Ordering::Relaxed),
                    };
                    function.stop().await;
                    subject.starts.extend((round > 0).then_some(start));
                }
                Err(problem) => subject.refused = Some(problem),
            }
        }
    }
    Ok(())
}

/// An AWS that answers every call at once: who the caller is, and everything else denied.
fn aws(request: &Request) -> Response {
    if !String::from_utf8_lossy(&request.body).contains("Action=GetCallerIdentity") {
        return Response::json(403, r#"{"__type":"AccessDeniedException","message":"not for a benchmark"}"#);
    }
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Account>{ACCOUNT}</Account><Arn>arn:aws:iam::{ACCOUNT}:root</Arn><UserId>{ACCOUNT}</UserId>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    Response { status: 200, headers: vec![("content-type", "text/xml".to_owned())], body: body.into_bytes() }
}

fn environment(aws: &str, config: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_ENDPOINT_URL", aws.to_owned()),
        ("FORESTER_CONFIG", config.display().to_string()),
        ("FORESTER_TABLE", "forester".to_owned()),
        ("FORESTER_BUCKET", "forester".to_owned()),
        ("FORESTER_OUTBOX", format!("{aws}/{ACCOUNT}/forester-outbox.fifo")),
    ]
}

/// The figures side by side, the budgets below.
pub fn table(subjects: &[Subject]) -> String {
    let mut text = String::from(
        "                      binary     zip       first poll, ms          RSS     peak  AWS calls\n\
         function                  MB      MB     min     p50     p90      MiB      MiB  before it\n",
    );
    for subject in subjects {
        let (binary, zip) = subject.size.map_or_else(Default::default, |(binary, zip)| (mb(binary), mb(zip)));
        let times = sorted(subject, |start| start.first_poll.as_secs_f64() * 1000.0);
        let rss = sorted(subject, |start| mib(start.memory.rss_kib));
        let peak = sorted(subject, |start| mib(start.memory.peak_kib));
        let calls = subject.starts.iter().map(|start| start.calls).max().map(|most| most.to_string());
        text.push_str(&format!(
            "{:<20} {binary:>7} {zip:>7} {:>7} {:>7} {:>7}  {:>7}  {:>7}  {:>9}\n",
            subject.name,
            at(&times, 0.0),
            at(&times, 0.5),
            at(&times, 0.9),
            at(&rss, 0.5),
            at(&peak, 0.5),
            calls.unwrap_or_default(),
        ));
    }
    text.push_str("budget                       <= 4.00                 <= 10.00          <= 16.00\n");
    text
}

/// The machine, because its figures are nobody else's.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned();
    format!("{cores} x {}, {}, load {load}", processor(&read("/proc/cpuinfo")), std::env::consts::ARCH)
}

fn processor(cpuinfo: &str) -> &str {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or("processor of unknown make", |(_, name)| name)
}

fn sorted(subject: &Subject, figure: impl Fn(&Start) -> f64) -> Vec<f64> {
    let mut figures: Vec<f64> = subject.starts.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures
}

/// The figure below which `share` of all lie; nothing for no figures.
fn at(sorted: &[f64], share: f64) -> String {
    let rank = (share * sorted.len() as f64).floor() as usize;
    sorted.get(rank).map(|figure| format!("{figure:.2}")).unwrap_or_default()
}

fn mb(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1_000_000.0)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / KIB_PER_MIB
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(milliseconds: u64) -> Start {
        let memory = Memory { rss_kib: 8192, peak_kib: 9216 };
        Start { first_poll: Duration::from_millis(milliseconds), memory, calls: 1 }
    }

    #[test]
    fn the_table_has_a_line_a_function_and_one_for_the_budgets() {
        let measured = Subject {
            size: Some((6_070_000, 2_530_000)),
            starts: (1..=10).map(start).collect(),
            ..Subject::new(Path::new("/b"), "alarm-fanout")
        };
        let text = table(&[measured, Subject::new(Path::new("/b"), "sandbox-reset")]);
        let lines: Vec<Vec<&str>> = text.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["alarm-fanout", "6.07", "2.53", "1.00", "6.00", "10.00", "8.00", "9.00", "1"]);
        assert_eq!(lines[1], ["sandbox-reset"]);
        assert_eq!(lines[2][0], "budget");
    }

    #[test]
    fn the_processor_is_named_if_the_kernel_knows() {
        assert_eq!(processor("processor\t: 0\nmodel name\t: ACME 9000 CPU\n"), "ACME 9000 CPU");
        assert_eq!(processor(""), "processor of unknown make");
    }
}
