//! Slows calls to a service down where AWS has throttled them, and lets them speed up again.
//!
//! AWS counts requests by account, region and service, so that is what a pace is for. The SDK's own adaptive mode was
//! measured and found wanting in a quiet place: two throttles in a row held a single call up for 26 seconds, because it
//! falls back to half a token a second and a retry costs five.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What AWS counts apart from the rest of a service, and the pause that its published rate asks for from the start.
struct Apart {
    service: &'static str,
    /// All operations, where none is named.
    operation: Option<&'static str>,
    /// Counted in all regions together.
    global: bool,
    pause: Duration,
}

/// * `DeleteRestApi`: one in 30 seconds in an account. A reset keeps that distance; here it only has a pace of its own,
///   so that it does not slow the rest of API Gateway down.
///   <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>
/// * Route 53: five requests a second in an account.
///   <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests>
/// * `LookupEvents`: two a second in an account and region.
///   <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/WhatIsCloudTrail-Limits.html>
/// * IAM, CloudFront and Organizations have one endpoint for all regions.
///   <https://docs.aws.amazon.com/general/latest/gr/rande.html#global-endpoints>
const APART: &[Apart] = &[
    Apart { service: "apigateway", operation: Some("DeleteRestApi"), global: false, pause: Duration::ZERO },
    Apart { service: "route53", operation: None, global: true, pause: Duration::from_millis(200) },
    Apart { service: "cloudtrail", operation: Some("LookupEvents"), global: false, pause: Duration::from_millis(500) },
    Apart { service: "iam", operation: None, global: true, pause: Duration::ZERO },
    Apart { service: "cloudfront", operation: None, global: true, pause: Duration::ZERO },
    Apart { service: "organizations", operation: None, global: true, pause: Duration::ZERO },
];

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
/// Shorter pauses are none.
const SHORTEST: Duration = Duration::from_millis(10);

/// The paces of one account.
#[derive(Clone, Default)]
pub(crate) struct Paces(Arc<Mutex<ByPlace>>);

/// By region, service, and operation where it is counted apart.
type ByPlace = BTreeMap<(String, &'static str, &'static str), Arc<Pace>>;

impl Paces {
    /// The pace of an operation of a service in a region.
    pub(super) fn of(&self, region: &str, service: &'static str, operation: &str) -> Arc<Pace> {
        let apart = APART
            .iter()
            .find(|apart| apart.service == service && apart.operation.is_none_or(|counted| counted == operation));
        let region = if apart.is_some_and(|apart| apart.global) { "" } else { region };
        let place = (region.to_owned(), service, apart.and_then(|apart| apart.operation).unwrap_or_default());
        let floor = apart.map_or(Duration::ZERO, |apart| apart.pause);
        let mut paces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(paces.entry(place).or_insert_with(|| Arc::new(Pace::from(floor))))
    }
}

/// One call per pause; no pause as long as nothing is throttled.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// No pause is shorter.
    floor: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    pause: Duration,
    /// When the next call may start.
    next: Option<Instant>,
    /// When the pause was last made longer.
    slowed: Option<Instant>,
}

impl From<Duration> for Pace {
    fn from(floor: Duration) -> Self {
        Self { floor, state: Mutex::new(State { pause: floor, ..State::default() }) }
    }
}

impl Pace {
    /// How long a call that could start at `now` has to wait for its turn.
    pub(super) fn turn(&self, now: Instant) -> Duration {
        let mut state = self.state();
        if state.pause.is_zero() {
            return Duration::ZERO;
        }
        let turn = state.next.map_or(now, |next| next.max(now));
        state.next = Some(turn + state.pause);
        turn - now
    }

    /// After a throttle. Those of calls that were under way together count as one.
    pub(super) fn slow(&self, now: Instant) {
        let mut state = self.state();
        let together = state.pause.max(FIRST) * 2;
        if state.slowed.is_some_and(|slowed| now < slowed + together) {
            return;
        }
        state.slowed = Some(now);
        state.pause = (state.pause * 2).clamp(FIRST, LONGEST);
    }

    /// After a success.
    pub(super) fn ease(&self) {
        let mut state = self.state();
        state.pause = state.pause.mul_f64(0.8);
        if state.pause < self.floor {
            state.pause = self.floor;
        } else if state.pause < SHORTEST {
            *state = State::default();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_waits_before_the_first_throttle() {
        let (pace, now) = (Pace::default(), Instant::now());
        assert_eq!((pace.turn(now), pace.turn(now)), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn calls_take_turns_after_a_throttle() {
        let (pace, now) = (Pace::default(), Instant::now());
        pace.slow(now);
        let turns: Vec<Duration> = (0..3).map(|_| pace.turn(now)).collect();
        assert_eq!(turns, [Duration::ZERO, FIRST, FIRST * 2]);
    }

    #[test]
    fn throttles_of_one_burst_count_as_one() {
        let (pace, now) = (Pace::default(), Instant::now());
        (0..16).for_each(|_| pace.slow(now));
        assert_eq!(pace.state().pause, FIRST);
        pace.slow(now + LONGEST * 3);
        assert_eq!(pace.state().pause, FIRST * 2);
    }

    #[test]
    fn lasting_throttle_slows_to_a_bound_and_success_undoes_it() {
        let (pace, now) = (Pace::default(), Instant::now());
        (0..20).for_each(|n| pace.slow(now + LONGEST * 3 * n));
        assert_eq!(pace.state().pause, LONGEST);
        (0..30).for_each(|_| pace.ease());
        assert_eq!(pace.turn(now), Duration::ZERO);
    }

    #[test]
    fn services_and_regions_have_their_own_pace() {
        let (paces, now) = (Paces::default(), Instant::now());
        paces.of("eu-west-1", "ec2", "RunInstances").slow(now);
        paces.of("eu-west-1", "ec2", "RunInstances").turn(now);
        assert_eq!(paces.of("eu-west-1", "ec2", "DescribeVpcs").turn(now), FIRST);
        assert_eq!(paces.of("us-east-1", "ec2", "DescribeVpcs").turn(now), Duration::ZERO);
    }

    #[test]
    fn what_is_counted_apart_slows_nothing_else_down() {
        let (paces, now) = (Paces::default(), Instant::now());
        let slow = paces.of("eu-west-1", "apigateway", "DeleteRestApi");
        slow.slow(now);
        slow.turn(now);
        assert_eq!(slow.turn(now), FIRST);
        assert_eq!(paces.of("eu-west-1", "apigateway", "GetRestApis").turn(now), Duration::ZERO);
    }

    #[test]
    fn published_rate_holds_from_the_first_call_and_in_all_regions() {
        let (paces, now) = (Paces::default(), Instant::now());
        let turn = |region: &str| paces.of(region, "route53", "ListHostedZones").turn(now);
        let turns = [turn("us-east-1"), turn("eu-west-1"), turn("us-east-1")];
        assert_eq!(turns.map(|turn| turn.as_millis()), [0, 200, 400]);
        (0..30).for_each(|_| paces.of("us-east-1", "route53", "GetHostedZone").ease());
        assert_eq!(turn("us-east-1").as_millis(), 600);
    }
}
