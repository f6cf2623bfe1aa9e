//! Alerts under a flood: nothing is lost, nothing is told twice, and no end comes before its beginning; whatever the
//! channels do meanwhile.

use forester_e2e::Outcome;
use forester_e2e::flood::{Kind, LANES, Manner, Outflow, ROOT, Signals, deployed, flood};
use tokio::sync::Mutex;

const SIGNALS: usize = 10_000;
const TWICE: usize = 30;
/// How many go through the functions themselves.
const FEW: usize = 300;

/// One flood at a time: each wants the whole machine.
static ALONE: Mutex<()> = Mutex::const_new(());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_arrives_whole_once_and_in_order() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let signals = Signals::new(SIGNALS, TWICE, 0xf0e5)?;
    let out = flood(&signals).await?;
    tell("library over the stack's table and FIFO queue", &signals, &out);
    check(&signals, &out);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deployed_functions_deliver_a_smaller_flood_as_well() -> Outcome<()> {
    let _alone = ALONE.lock().await;
    let signals = Signals::new(FEW, TWICE, 0x5eed)?;
    let out = deployed(&signals).await?;
    tell("deployed functions", &signals, &out);
    check(&signals, &out);
    Ok(())
}

fn tell(how: &str, signals: &Signals, out: &Outflow) {
    let (refused, repeated) = out.trouble();
    let (count, calls) = (signals.messages.len(), out.all_calls());
    let routed = out.routed.map(|took| format!("routed in {:.1} s, ", took.as_secs_f64())).unwrap_or_default();
    println!(
        "alerts flood ({how}): {count} signals, {TWICE}% repeated, {routed}all delivered after {:.1} s: {} arrived by {} \
         channels, {refused} requests refused or unanswered, {repeated} sent again and known by their key, {} dead and \
         told to others, {} twice, {} out of order, lost = {}; {calls} calls of AWS, {}.{} a signal",
        out.delivered.as_secs_f64(),
        out.count(),
        out.taken.len(),
        out.standing.dead.len(),
        out.twice(),
        out.out_of_order(),
        out.standing.lost,
        calls / count,
        calls * 10 / count % 10,
    );
    println!("calls: {:?}", out.calls);
}

fn check(signals: &Signals, out: &Outflow) {
    let gone = LANES.iter().filter(|lane| lane.manner == Manner::Gone);
    let (gone, meant) = gone.fold((0, 0), |(things, messages), lane| {
        let (more, each) = signals.due(lane.name);
        (things + more, messages + each)
    });
    for lane in LANES {
        let due = if lane.manner == Manner::Gone { (0, 0) } else { signals.due(lane.name) };
        assert_eq!((out.matters(lane.name), out.of(lane.name).len()), due, "things and messages of {}", lane.name);
    }
    let root = (signals.of(Kind::Unknown) + gone, signals.of(Kind::Unknown) + meant);
    assert_eq!((out.matters(ROOT.name), out.of(ROOT.name).len()), root, "it stands in for who is gone");
    assert_eq!(out.of(ROOT.name).iter().filter(|one| one.instead).count(), meant, "and says so");
    assert_eq!(out.standing.dead.len(), meant);
    assert_eq!((out.twice(), out.out_of_order(), out.standing.open.len(), out.standing.lost), (0, 0, 0, 0));
}
