//! What is to be done about a schedule at a moment: which time is started, which have passed, and
//! what comes next. Nothing here reads a clock.

use wforge_model::{TenantId, Timestamp};

use super::cron::CronTimes;
use super::record::{Missed, Schedule};

/// A start that is later than that was missed, in milliseconds: whoever should have made it was
/// not there.
const LATE_MS: u64 = 60_000;
/// How long a start is tried again that fails but may succeed later, in milliseconds.
pub(super) const TRY_MS: u64 = 300_000;
/// Times that are made up for where each is.
pub const CATCH_UP_MAX: usize = 100;
/// Times that are counted one by one; of a longer absence only its last part is.
const WALK_MAX: usize = 10_000;
/// That part, in milliseconds: it has more times than are ever made up for.
const WALK_MS: u64 = 86_400_000;

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The time that is started now; of several, the first. None where some are passed over: that
    /// is noted first, so that of a time whose start may lie behind a crash there is one, the next.
    pub(super) fire: Option<Timestamp>,
    /// The first of those that are passed over.
    pub(super) passed: Option<Timestamp>,
    /// The last of them.
    pub(super) passed_last: Option<Timestamp>,
    /// How many they are, or at least are.
    pub(super) missed: u64,
    /// The time after these.
    pub(super) next: Option<Timestamp>,
}

/// What is due at that moment. The start of `tried` was tried in time already, so it is not late
/// until it must be given up.
pub(super) fn due(
    schedule: &Schedule,
    times: &CronTimes,
    tenant: &TenantId,
    now: Timestamp,
    tried: Option<Timestamp>,
) -> Due {
    let (reached, after) = reached(schedule, times, tenant, now);
    let is_late = |at: &Timestamp| {
        let patience_ms = if Some(*at) == tried { TRY_MS + LATE_MS } else { LATE_MS };
        now > schedule.fires_at(tenant, *at).after_ms(patience_ms)
    };
    // In order, so those that are late come first.
    let late = reached.iter().take_while(|at| is_late(at)).count();
    let kept = match schedule.spec.missed {
        Missed::Skip => reached.len() - late,
        Missed::One if late == reached.len() => late.min(1),
        Missed::One => reached.len() - late,
        Missed::All => (reached.len() - late) + late.min(CATCH_UP_MAX),
    };
    let (passed, turns) = reached.split_at(reached.len() - kept);
    let fire = turns.first().copied().filter(|_| passed.is_empty());
    Due {
        fire,
        passed: passed.first().copied(),
        passed_last: passed.last().copied(),
        missed: u64::try_from(passed.len()).unwrap_or(u64::MAX),
        next: turns.get(usize::from(fire.is_some())).copied().or(after),
    }
}

/// The times whose start is due by now, in order, and the one after them.
fn reached(
    schedule: &Schedule,
    times: &CronTimes,
    tenant: &TenantId,
    now: Timestamp,
) -> (Vec<Timestamp>, Option<Timestamp>) {
    let mut reached = Vec::new();
    let mut next = schedule.next;
    while let Some(at) = next.filter(|at| schedule.fires_at(tenant, *at) <= now) {
        reached.push(at);
        let recently = Timestamp(now.0.saturating_sub(WALK_MS));
        let after = if reached.len() == WALK_MAX { at.max(recently) } else { at };
        next = schedule.within(times.next(after));
    }
    (reached, next)
}

#[cfg(test)]
mod tests {
    use wforge_model::Value;

    use super::*;
    use crate::schedules::record::{ScheduleSpec, ScheduledWorkflow};

    const HOUR: u64 = 3_600_000;

    fn hourly(missed: Missed) -> Schedule {
        let workflow = ScheduledWorkflow { name: "brief".into(), version: None };
        Schedule {
            name: "often".parse().unwrap(),
            spec: ScheduleSpec {
                workflow,
                input: wforge_model::Object::new(),
                context: Value::Null,
                time_key: None,
                thread: Default::default(),
                cron: "@hourly".into(),
                zone: "UTC".into(),
                missed,
                overlap: Default::default(),
                jitter_s: 0,
                until: None,
                runs_max: None,
            },
            paused: false,
            created_at: Timestamp(0),
            created_by: "test".into(),
            changed_at: Timestamp(0),
            changed_by: "test".into(),
            revision: 1,
            next: Some(Timestamp(HOUR)),
            counts: Default::default(),
            last: None,
            last_run: None,
            last_error: None,
        }
    }

    fn tenant() -> TenantId {
        "acme".parse().unwrap()
    }

    /// What is started, how many are passed over and what comes next, in hours.
    fn check(schedule: &Schedule, now: u64) -> (Option<u64>, u64, Option<u64>) {
        let times = CronTimes::parse(&schedule.spec.cron, &schedule.spec.zone).unwrap();
        let due = due(schedule, &times, &tenant(), Timestamp(now), None);
        let hours = |at: Option<Timestamp>| at.map(|at| at.0 / HOUR);
        (hours(due.fire), due.missed, hours(due.next))
    }

    #[test]
    fn before_its_time_nothing_is_due_and_at_its_time_one_start_is() {
        for missed in [Missed::Skip, Missed::One, Missed::All] {
            assert_eq!(check(&hourly(missed), HOUR - 1), (None, 0, Some(1)));
            assert_eq!(check(&hourly(missed), HOUR), (Some(1), 0, Some(2)));
            assert_eq!(check(&hourly(missed), HOUR + LATE_MS), (Some(1), 0, Some(2)));
        }
    }

    #[test]
    fn after_an_absence_the_policy_decides() {
        let now = 5 * HOUR + HOUR / 2;
        assert_eq!(check(&hourly(Missed::Skip), now), (None, 5, Some(6)));
        assert_eq!(check(&hourly(Missed::One), now), (None, 4, Some(5)));
        assert_eq!(check(&hourly(Missed::All), now), (Some(1), 0, Some(2)));
        // The start that is just due makes up for those before it.
        assert_eq!(check(&hourly(Missed::One), 5 * HOUR), (None, 4, Some(5)));
        assert_eq!(check(&hourly(Missed::Skip), 5 * HOUR), (None, 4, Some(5)));
    }

    #[test]
    fn what_is_passed_over_is_noted_before_the_next_is_started() {
        for (missed, now) in [(Missed::One, 5 * HOUR + HOUR / 2), (Missed::Skip, 5 * HOUR)] {
            let mut schedule = hourly(missed);
            assert_eq!(check(&schedule, now), (None, 4, Some(5)));
            schedule.next = Some(Timestamp(5 * HOUR));
            assert_eq!(check(&schedule, now), (Some(5), 0, Some(6)));
        }
    }

    #[test]
    fn no_more_is_made_up_for_than_the_limit_and_the_newest_is() {
        let now = 300 * HOUR + HOUR / 2;
        assert_eq!(check(&hourly(Missed::All), now), (None, 200, Some(201)));
    }

    #[test]
    fn a_year_of_minutes_is_walked_in_a_moment() {
        let mut schedule = hourly(Missed::All);
        schedule.spec.cron = "* * * * *".into();
        let now = 365 * 24 * HOUR + 30_000;
        let (fire, missed, next) = check(&schedule, now);
        assert_eq!((fire, next), (None, Some(365 * 24 - 2)));
        assert!(missed >= 10_000, "{missed}");
    }

    #[test]
    fn a_start_that_was_tried_in_time_is_not_late() {
        let schedule = hourly(Missed::Skip);
        let times = CronTimes::parse("@hourly", "UTC").unwrap();
        let now = Timestamp(HOUR + 3 * LATE_MS);
        let tried = Some(Timestamp(HOUR));
        assert_eq!(due(&schedule, &times, &tenant(), now, tried).fire, tried);
        assert_eq!(due(&schedule, &times, &tenant(), now, None).fire, None);
    }

    #[test]
    fn after_its_end_nothing_comes() {
        let mut schedule = hourly(Missed::All);
        schedule.spec.until = Some(Timestamp(2 * HOUR));
        assert_eq!(check(&schedule, HOUR), (Some(1), 0, Some(2)));
        schedule.next = Some(Timestamp(2 * HOUR));
        assert_eq!(check(&schedule, 2 * HOUR), (Some(2), 0, None));
        assert_eq!(check(&schedule, 9 * HOUR), (Some(2), 0, None));
    }

    #[test]
    fn jitter_is_the_same_each_time_differs_between_times_and_keeps_its_limit() {
        let mut schedule = hourly(Missed::One);
        schedule.spec.jitter_s = 30;
        let jitter = |hour: u64| schedule.jitter_ms(&tenant(), Timestamp(hour * HOUR));
        let all: Vec<u64> = (1..200).map(jitter).collect();
        assert_eq!(all, (1..200).map(jitter).collect::<Vec<_>>());
        assert!(all.iter().all(|ms| *ms <= 30_000));
        let different: std::collections::BTreeSet<&u64> = all.iter().collect();
        assert!(different.len() > 150, "{}", different.len());
    }
}
