//! One named step: a program run with its output in a file, its time shown, and its last words only when it fails.
//!
//! At a terminal the step's newest line is shown while it works; elsewhere a line a minute says that it is alive,
//! because silent jobs get killed.

use std::fs::{self, File};
use std::io::{IsTerminal, Read, Seek, SeekFrom, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::house::House;
use crate::problem::Problem;

const LOOK: Duration = Duration::from_millis(100);
const HEARTBEAT: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(15);
const LAST_WORDS: usize = 4000;

/// How a step ended.
pub struct Finished {
    /// What it is called.
    pub name: String,
    /// The program was happy.
    pub ok: bool,
    /// Everything that it said.
    pub log: PathBuf,
}

impl Finished {
    /// Everything that the step said.
    pub fn output(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// A failed step as a problem, for tasks that cannot go on.
    pub fn or_problem(self) -> Result<Self, Problem> {
        if self.ok { Ok(self) } else { Err(format!("{} failed; all of it: {}", self.name, self.log.display()).into()) }
    }
}

/// Runs `command` as the step `name` and prints one line about it, and the end of its output if it fails.
pub fn run(house: &House, name: &str, mut command: Command) -> Result<Finished, Problem> {
    let log = house.scratch.join(format!("{}.log", name.replace(' ', "-")));
    let out = File::create(&log).map_err(|cause| Problem::file("write", &log, &cause))?;
    let err = out.try_clone().map_err(|cause| Problem::file("write", &log, &cause))?;
    let began = Instant::now();
    let told = Told::listen()?;
    // A group of its own: whatever the step starts can be ended with it.
    command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
    let child = command.spawn().map_err(|cause| format!("cannot start {}: {cause}", program(&command)))?;
    let status = watch(name, child, &log, began, &told)?;
    let finished = Finished { name: name.to_owned(), ok: status.success(), log };
    println!("  {name:<24} {:<6} {:>8}", if finished.ok { "ok" } else { "FAILED" }, took(began.elapsed()));
    if !finished.ok {
        println!("{}\n    all of it: {}", indent(&last_words(&finished.output())), finished.log.display());
    }
    Ok(finished)
}

/// `4.2 s`, `3 min 07 s`.
pub fn took(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

/// The signals that ask this process to end; they are passed on instead.
#[derive(Clone)]
pub struct Told(Arc<AtomicUsize>);

impl Told {
    /// From now on, SIGINT and SIGTERM are remembered and do not end this process.
    pub fn listen() -> Result<Self, Problem> {
        static HEARD: OnceLock<Told> = OnceLock::new();
        if let Some(listening) = HEARD.get() {
            return Ok(listening.clone());
        }
        let told = Arc::new(AtomicUsize::new(0));
        for (signal, number) in [(SIGINT, 2), (SIGTERM, 15)] {
            signal_hook::flag::register_usize(signal, Arc::clone(&told), number)
                .map_err(|cause| format!("cannot listen for signals: {cause}"))?;
        }
        Ok(HEARD.get_or_init(|| Self(told)).clone())
    }

    /// The signal that came, if one did.
    pub fn signal(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }
}

/// Sends a signal to a process, or with `-` before the number to its group; one that is gone is no problem.
pub fn signal(number: usize, process: &str) {
    let sent = Command::new("kill").arg(format!("-{number}")).arg("--").arg(process).stderr(Stdio::null()).status();
    if let Err(cause) = sent {
        eprintln!("cannot run `kill -{number} -- {process}`: {cause}");
    }
}

fn watch(name: &str, mut child: Child, log: &Path, began: Instant, told: &Told) -> Result<ExitStatus, Problem> {
    let terminal = std::io::stdout().is_terminal();
    let mut beat = began + HEARTBEAT;
    loop {
        if let Some(status) = child.try_wait().map_err(|cause| format!("cannot wait for {name}: {cause}"))? {
            clear(terminal);
            return Ok(status);
        }
        if let Some(number) = told.signal() {
            clear(terminal);
            return Err(interrupted(name, child, number));
        }
        if terminal {
            let newest: String = newest_line(log).chars().take(64).collect();
            print!("\r\x1b[K  {name:<24} {:>9}  {newest}", took(began.elapsed()));
            drop(std::io::stdout().flush());
        } else if Instant::now() > beat {
            beat += HEARTBEAT;
            println!("    {name}: {} so far; {}", took(began.elapsed()), newest_line(log));
        }
        std::thread::sleep(LOOK);
    }
}

/// Passes the signal on, and waits for the step to clean up behind itself.
fn interrupted(name: &str, mut child: Child, number: usize) -> Problem {
    let group = format!("-{}", child.id());
    signal(number, &group);
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
        std::thread::sleep(LOOK);
    }
    signal(9, &group);
    drop(child.wait());
    format!("stopped in the middle of: {name}").into()
}

fn clear(terminal: bool) {
    if terminal {
        print!("\r\x1b[K");
    }
}

fn program(command: &Command) -> String {
    Path::new(command.get_program()).display().to_string()
}

fn newest_line(log: &Path) -> String {
    let mut end = Vec::new();
    if let Ok(mut file) = File::open(log) {
        let length = file.metadata().map(|about| about.len()).unwrap_or_default();
        let found = file.seek(SeekFrom::Start(length.saturating_sub(1000))).and_then(|_| file.read_to_end(&mut end));
        drop(found);
    }
    let text = String::from_utf8_lossy(&end);
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned()
}

fn last_words(text: &str) -> String {
    let mut kept = Vec::new();
    let mut length = 0;
    for line in text.trim_end().lines().rev().filter(|line| !is_progress(line)) {
        length += line.len() + 1;
        if length > LAST_WORDS {
            break;
        }
        kept.push(line);
    }
    kept.reverse();
    kept.join("\n")
}

/// Cargo's and pip's lines about work that went well.
fn is_progress(line: &str) -> bool {
    const WORDS: [&str; 7] =
        ["Compiling", "Checking", "Downloading", "Downloaded", "Documenting", "Collecting", "Using cached"];
    WORDS.iter().any(|word| line.trim_start().strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_time(milliseconds: u64, expect: &str) {
        assert_eq!(took(Duration::from_millis(milliseconds)), expect);
    }

    #[test]
    fn times_read_like_times() {
        check_time(40, "0.0 s");
        check_time(4_270, "4.2 s");
        check_time(59_999, "59.9 s");
        check_time(187_000, "3 min 07 s");
    }

    #[test]
    fn last_words_are_whole_lines_from_the_end() {
        let text = format!("{}\nerror: the last\n", "x".repeat(LAST_WORDS));
        assert_eq!(last_words(&text), "error: the last");
        assert_eq!(last_words("one\ntwo\n"), "one\ntwo");
    }

    #[test]
    fn last_words_leave_out_what_went_well() {
        assert_eq!(last_words("   Compiling a v1.0.0\nerror: no\n    Checking b v2.0.0\n"), "error: no");
    }
}
