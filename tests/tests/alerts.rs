//! Alerts under a flood: nothing is lost, nothing is told twice, and no end comes before its beginning.

use forester_e2e::Outcome;
use forester_e2e::flood::{Kind, Signals, flood};

const SIGNALS: usize = 10_000;
const TWICE: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_arrives_whole_once_and_in_order() -> Outcome<()> {
    let signals = Signals::new(SIGNALS, TWICE, 0xf0e5)?;
    assert_eq!(signals.messages.len(), SIGNALS);
    let out = flood(&signals).await?;
    let arrived = |receiver: &str| out.arrived.get(receiver).map_or(0, Vec::len);
    let (dead, seconds) = (out.standing.dead.len(), out.delivered.as_secs_f64());
    println!(
        "alerts flood (router and deliverer in process, store and FIFO queue in memory): {SIGNALS} signals, {TWICE}% \
         repeated, routed in {:.1} s, all delivered after {seconds:.1} s: {} arrived, {dead} dead and told to others, {} \
         twice, {} out of order, lost = {}",
        out.routed.as_secs_f64(),
        out.count(),
        out.twice(),
        out.out_of_order(),
        out.standing.lost,
    );
    // An alarm is told at once, then what became of looking for its causes, then its end.
    let told = 3 * signals.of(Kind::Alarm);
    assert_eq!(arrived("money"), signals.of(Kind::Budget));
    assert_eq!(arrived("trail"), signals.of(Kind::Event));
    assert_eq!(arrived("costs"), signals.of(Kind::Anomaly));
    assert_eq!(arrived("ops"), told, "each alarm begins, learns and ends");
    assert_eq!((arrived("security"), dead), (0, told));
    assert_eq!(arrived("platform"), signals.of(Kind::Unknown) + told, "it stands in for security");
    let instead = out.arrived.get("platform").map_or(0, |all| all.iter().filter(|one| one.instead).count());
    assert_eq!(instead, told, "and says so");
    assert_eq!((out.twice(), out.out_of_order(), out.standing.open.len(), out.standing.lost), (0, 0, 0, 0));
    Ok(())
}
