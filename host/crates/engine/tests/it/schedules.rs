//! Schedules on simulated time: they fire when they are due, over jumps of the clock, absences and
//! crashes, and once each.

use std::sync::Arc;

use wforge_engine::{
    EngineError, FiringOutcome, Missed, Overlap, PutSchedule, ScheduleSpec, ScheduleView,
    ScheduledThread, ScheduledWorkflow,
};
use wforge_model::head::RunStatus;
use wforge_model::tenancy::AskedQuotas;
use wforge_model::{Object, RunId, Timestamp, Value};
use wforge_ports::{Clock as _, Entropy};
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{Crash, FaultyStore, SimClock, SimEntropy};

use crate::harness::{World, draft_of, now, object, ok, tenant};

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
/// 2026-03-28T12:00:00Z, the day before Berlin's clock goes forward.
const MARCH: Timestamp = Timestamp(1_774_699_200_000);
/// 2026-10-24T12:00:00Z, the day before it goes back.
const OCTOBER: Timestamp = Timestamp(1_792_843_200_000);

/// A workflow that ends as it begins, and says when it was meant to.
const QUICK: &str = "
state: { at: { schema: { type: string } }, x: {} }
input: [at]
output: [at, x]
nodes: { a: { set: { x: '1' } } }
edges: [{ from: START, to: a }]
";

/// A workflow that waits for a person for two hours.
const ASKS: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  approve: { ask: { prompt: 'Go on?', deadline: 2h, on_deadline: { answer: false } }, out: { x: result } }
edges: [{ from: START, to: approve }]
";

/// What a schedule does where a test says nothing else.
fn spec(workflow: &str, cron: &str) -> ScheduleSpec {
    ScheduleSpec {
        workflow: ScheduledWorkflow { name: workflow.to_owned(), version: None },
        input: Object::new(),
        context: Value::Null,
        time_key: (workflow == "quick").then(|| "at".to_owned()),
        thread: ScheduledThread::None,
        cron: cron.to_owned(),
        zone: "UTC".to_owned(),
        missed: Missed::One,
        overlap: Overlap::Allow,
        jitter_s: 0,
        until: None,
        runs_max: None,
    }
}

/// An engine at that moment, whose tenant has both workflows.
async fn world_at(at: Timestamp) -> World {
    let world = World::new(ok);
    world.clock.set(at);
    prepare(&world).await;
    world
}

async fn prepare(world: &World) {
    world.handle.load_directory().await.unwrap();
    world.handle.create_tenant(tenant(), AskedQuotas::default(), "me").await.unwrap();
    for (name, text) in [("quick", QUICK), ("asks", ASKS)] {
        let draft = draft_of(name, "1.0.0", text);
        world.handle.register_workflow(&tenant(), draft, "ada").await.unwrap();
    }
}

async fn put(world: &World, name: &str, spec: ScheduleSpec) -> ScheduleView {
    let name = (name.parse().unwrap(), PutSchedule::CreateOrReplace);
    world.handle.put_schedule(&tenant(), name, (spec, None), "ada").await.unwrap()
}

async fn shown(world: &World, name: &str) -> ScheduleView {
    world.handle.schedule(&tenant(), name).await.unwrap()
}

/// Lets time pass minute by minute, as timers see it. Whoever is to sleep does so first: an engine
/// that was just started has not even looked at its schedules.
async fn pass(world: &World, ms: u64) {
    world.idle().await;
    let end = now(world).after_ms(ms);
    while now(world) < end {
        world.clock.advance(end.since(now(world)).min(std::time::Duration::from_millis(MINUTE)));
        world.idle().await;
    }
}

/// Lets time pass in which nobody is there, and begins again.
async fn absent(world: World, ms: u64) -> World {
    let world = world.away(ms).await;
    world.handle.load_directory().await.unwrap();
    for _ in 0..20 {
        world.idle().await;
    }
    world
}

/// For which times runs were started, the oldest first, as RFC 3339 without what is always the
/// same.
async fn fired(world: &World) -> Vec<String> {
    let mut runs: Vec<RunId> = Vec::new();
    for head in world.store().heads(&tenant(), None, 10_000).await.unwrap() {
        runs.push(head.run);
    }
    runs.sort();
    let mut times = Vec::new();
    for run in runs {
        let state = world.handle.state(&tenant(), run).await.unwrap();
        let at = state["at"].as_str().unwrap_or("none");
        times.push(at.trim_end_matches(":00.000Z").to_owned());
    }
    times
}

#[tokio::test]
async fn a_schedule_fires_on_time_in_its_zone_and_says_what_comes_next() {
    let world = world_at(MARCH).await;
    let nine = ScheduleSpec { zone: "Asia/Kathmandu".into(), ..spec("quick", "0 9 * * *") };
    let made = put(&world, "nine", nine).await;
    // 09:00 in Kathmandu is 03:15 in UTC.
    assert_eq!(made.next.unwrap().local, "2026-03-29T09:00:00+05:45");
    pass(&world, 15 * HOUR + 14 * MINUTE).await;
    assert_eq!(fired(&world).await, Vec::<String>::new());
    pass(&world, MINUTE).await;
    assert_eq!(fired(&world).await, ["2026-03-29T03:15"]);
    let view = shown(&world, "nine").await;
    assert_eq!(view.schedule.last.unwrap().outcome, FiringOutcome::Started);
    assert_eq!(view.last_status, Some(RunStatus::Completed));
    assert_eq!(view.next.unwrap().local, "2026-03-30T09:00:00+05:45");
    assert_eq!(world.handle.figures().schedules_fired, 1);
}

#[tokio::test]
async fn where_the_clock_jumps_a_time_that_is_left_out_runs_late_and_a_doubled_one_once() {
    for (day, expected) in [
        (MARCH, ["2026-03-29T01:00", "2026-03-30T00:30"]),
        (OCTOBER, ["2026-10-25T00:30", "2026-10-26T01:30"]),
    ] {
        let world = world_at(day).await;
        let zone = "Europe/Berlin".to_owned();
        put(&world, "night", ScheduleSpec { zone, ..spec("quick", "30 2 * * *") }).await;
        pass(&world, 40 * HOUR).await;
        assert_eq!(fired(&world).await, expected);
    }
}

#[tokio::test]
async fn after_an_absence_the_policy_says_what_is_made_up_for() {
    for (missed, expected) in [
        (Missed::Skip, vec![]),
        (Missed::One, vec!["2026-03-28T15:00"]),
        (Missed::All, vec!["2026-03-28T13:00", "2026-03-28T14:00", "2026-03-28T15:00"]),
    ] {
        let world = world_at(MARCH).await;
        put(&world, "hourly", ScheduleSpec { missed, ..spec("quick", "@hourly") }).await;
        let world = absent(world, 3 * HOUR + 30 * MINUTE).await;
        assert_eq!(fired(&world).await, expected, "{missed:?}");
        let view = shown(&world, "hourly").await;
        assert_eq!(view.schedule.counts.missed, 3 - expected.len() as u64);
        assert_eq!(view.next.unwrap().local, "2026-03-28T16:00:00+00:00");
        pass(&world, 30 * MINUTE).await;
        assert_eq!(fired(&world).await.len(), expected.len() + 1);
    }
}

#[tokio::test]
async fn a_suspended_tenant_starts_nothing_and_makes_up_for_it_when_it_is_resumed() {
    let world = world_at(MARCH).await;
    put(&world, "hourly", spec("quick", "@hourly")).await;
    world.handle.suspend_tenant(&tenant(), "me").await.unwrap();
    pass(&world, 2 * HOUR + MINUTE).await;
    assert_eq!(fired(&world).await, Vec::<String>::new());
    pass(&world, 5 * MINUTE).await;
    world.handle.resume_tenant(&tenant(), "me").await.unwrap();
    world.idle().await;
    assert_eq!(fired(&world).await, ["2026-03-28T14:00"]);
}

/// What a host leaves behind that is started so long after an hourly schedule was made, and is gone
/// at the first start of a run: the store, and the clock a moment later.
async fn gone_at_a_start(
    missed: Missed,
    away_ms: u64,
    durable: bool,
) -> (Arc<MemoryStore>, SimClock) {
    let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(1));
    let behind = Arc::new(MemoryStore::new(StoreParts { entropy }));
    let clock = SimClock::at(MARCH);
    let before = World::simulated(behind.clone(), clock.clone(), 1, ok);
    prepare(&before).await;
    put(&before, "hourly", ScheduleSpec { missed, ..spec("quick", "@hourly") }).await;
    before.stop().await;

    clock.advance(std::time::Duration::from_millis(away_ms));
    let faulty = Arc::new(FaultyStore::new(behind.clone(), Some(Crash { commit: 1, durable })));
    let crashing = World::simulated(faulty.clone(), clock.clone(), 2, ok);
    crashing.handle.load_directory().await.unwrap();
    pass(&crashing, MINUTE).await;
    assert!(faulty.is_down(), "the start was tried");
    crashing.stop().await;
    (behind, clock)
}

/// The store keeps the beginning of the run and is gone before anybody hears of it, or it loses
/// the beginning as well: then the time is made up for.
#[tokio::test]
async fn a_crash_between_the_start_and_its_note_neither_loses_nor_doubles_a_run() {
    for missed in [Missed::Skip, Missed::One, Missed::All] {
        for (durable, later) in [(true, 10_000), (false, 10_000), (true, 20 * MINUTE)] {
            let (store, clock) = gone_at_a_start(missed, HOUR - MINUTE, durable).await;
            clock.advance(std::time::Duration::from_millis(later));
            let after = World::simulated(store, clock, 3, ok);
            after.handle.load_directory().await.unwrap();
            pass(&after, MINUTE).await;
            let case = format!("{missed:?}, durable {durable}, {later} ms later");
            assert_eq!(fired(&after).await, ["2026-03-28T13:00"], "{case}");
            let view = shown(&after, "hourly").await;
            assert_eq!(view.schedule.counts.started, 1, "{case}");
            assert!(view.schedule.last_run.is_some(), "{case}");
            after.stop().await;
        }
    }
}

/// The host comes back half a minute after 14:00, passes 13:00 over, starts the run of 14:00 and is
/// gone. When it is back, 14:00 is a time that was started, not one that was missed.
#[tokio::test]
async fn a_run_whose_start_came_after_times_that_were_missed_is_found_again_after_a_crash() {
    for missed in [Missed::Skip, Missed::One] {
        let (store, clock) = gone_at_a_start(missed, 2 * HOUR + MINUTE / 2, true).await;
        clock.advance(std::time::Duration::from_millis(HOUR + 20 * MINUTE));
        let after = World::simulated(store, clock, 3, ok);
        after.handle.load_directory().await.unwrap();
        pass(&after, MINUTE).await;
        let view = shown(&after, "hourly").await;
        let counts = view.schedule.counts;
        let (times, expected) = match missed {
            Missed::Skip => (vec!["2026-03-28T14:00"], (1, 2)),
            _ => (vec!["2026-03-28T14:00", "2026-03-28T15:00"], (2, 1)),
        };
        assert_eq!(fired(&after).await, times, "{missed:?}");
        assert_eq!((counts.started, counts.missed), expected, "{missed:?}");
        assert!(view.schedule.last_run.is_some(), "{missed:?}");
        after.stop().await;
    }
}

#[tokio::test]
async fn a_paused_schedule_starts_nothing_and_goes_on_without_making_up_for_the_pause() {
    let world = world_at(MARCH).await;
    put(&world, "hourly", ScheduleSpec { missed: Missed::All, ..spec("quick", "@hourly") }).await;
    let paused = world.handle.pause_schedule(&tenant(), "hourly", true, "ada").await.unwrap();
    assert_eq!(paused.next, None);
    pass(&world, 3 * HOUR + MINUTE).await;
    // It can be fired by hand all the same.
    world.handle.trigger_schedule(&tenant(), "hourly", None, "ada").await.unwrap();
    let world = absent(world, MINUTE).await;
    world.handle.pause_schedule(&tenant(), "hourly", false, "ada").await.unwrap();
    pass(&world, HOUR).await;
    assert_eq!(fired(&world).await, ["2026-03-28T15:01", "2026-03-28T16:00"]);
    let log = world.handle.audit(&tenant(), 0, 100).await.unwrap();
    let actions: Vec<&str> = log
        .iter()
        .map(|entry| entry.entry.action.as_str())
        .filter(|action| action.starts_with("schedule."))
        .collect();
    let expected = ["create", "pause", "trigger", "continue"].map(|it| format!("schedule.{it}"));
    assert_eq!(actions, expected);
}

#[tokio::test]
async fn jitter_puts_a_start_off_by_the_same_after_a_restart() {
    let world = world_at(MARCH).await;
    let put_off = ScheduleSpec { jitter_s: 600, ..spec("quick", "@hourly") };
    let next = put(&world, "hourly", put_off).await.next.unwrap();
    assert!(next.fires_at > next.scheduled_at, "{next:?}");
    let world = absent(world, 0).await;
    assert_eq!(shown(&world, "hourly").await.next, Some(next.clone()));
    world.clock.advance(next.fires_at.since(now(&world)) - std::time::Duration::from_millis(1));
    world.idle().await;
    assert_eq!(fired(&world).await, Vec::<String>::new());
    world.advance(1);
    world.idle().await;
    assert_eq!(fired(&world).await, ["2026-03-28T13:00"]);
}

#[tokio::test]
async fn a_run_that_has_not_ended_keeps_the_next_from_starting_where_that_is_said() {
    let world = world_at(MARCH).await;
    put(&world, "alone", ScheduleSpec { overlap: Overlap::Skip, ..spec("asks", "@hourly") }).await;
    put(&world, "beside", spec("asks", "@hourly")).await;
    // The question of 13:00 has its deadline at 15:00, when the next hour is due as well.
    pass(&world, 2 * HOUR + 30 * MINUTE).await;
    let (alone, beside) = (shown(&world, "alone").await, shown(&world, "beside").await);
    assert_eq!((alone.schedule.counts.started, alone.schedule.counts.skipped), (1, 1));
    assert_eq!((beside.schedule.counts.started, beside.schedule.counts.skipped), (2, 0));
}

#[tokio::test]
async fn a_start_that_fails_is_kept_with_its_reason_and_the_next_is_tried() {
    let world = world_at(MARCH).await;
    let wrong =
        ScheduleSpec { input: object(r#"{"at": 7}"#), time_key: None, ..spec("quick", "@hourly") };
    put(&world, "wrong", wrong).await;
    pass(&world, 2 * HOUR).await;
    let view = shown(&world, "wrong").await;
    assert_eq!((view.schedule.counts.failed, view.schedule.counts.started), (2, 0));
    let error = view.schedule.last_error.unwrap();
    assert!(!error.code.is_empty() && !error.message.is_empty(), "{error:?}");
    let log = world.handle.audit(&tenant(), 0, 100).await.unwrap();
    let noted: Vec<_> = log.iter().filter(|it| it.entry.action == "schedule.fire").collect();
    assert_eq!(noted.len(), 2);
    assert_eq!(
        (&noted[0].entry.outcome, noted[0].entry.actor.as_str()),
        (&error.code, "schedule:wrong")
    );
    assert_eq!(world.handle.figures().schedules_failed, 2);
}

#[tokio::test]
async fn a_used_up_quota_fails_a_start_and_the_day_after_it_goes_on() {
    let world = world_at(MARCH).await;
    let quotas = AskedQuotas { runs_per_day_max: Some(1), ..AskedQuotas::default() };
    world.handle.set_quotas(&tenant(), quotas, "me").await.unwrap();
    put(&world, "often", spec("quick", "0 */6 * * *")).await;
    pass(&world, 12 * HOUR + MINUTE).await;
    assert_eq!(fired(&world).await, ["2026-03-28T18:00", "2026-03-29T00:00"]);
    pass(&world, 6 * HOUR).await;
    let view = shown(&world, "often").await;
    assert_eq!(view.schedule.last_error.unwrap().code, "quota");
    assert_eq!(view.schedule.counts.failed, 1);
}

#[tokio::test]
async fn a_schedule_ends_with_its_last_run_or_its_day() {
    let world = world_at(MARCH).await;
    put(&world, "twice", ScheduleSpec { runs_max: Some(2), ..spec("quick", "@hourly") }).await;
    let until = Some(MARCH.after_ms(90 * MINUTE));
    put(&world, "until", ScheduleSpec { until, ..spec("quick", "30 * * * *") }).await;
    pass(&world, 6 * HOUR).await;
    let times = ["2026-03-28T12:30", "2026-03-28T13:00", "2026-03-28T13:30", "2026-03-28T14:00"];
    assert_eq!(fired(&world).await, times);
    assert_eq!(
        (shown(&world, "twice").await.next, shown(&world, "until").await.next),
        (None, None)
    );
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_with_its_reason() {
    let world = world_at(MARCH).await;
    let refused = async |spec: ScheduleSpec| {
        let name = ("it".parse().unwrap(), PutSchedule::Create);
        match world.handle.put_schedule(&tenant(), name, (spec, None), "ada").await.unwrap_err() {
            EngineError::Invalid { code, .. } | EngineError::Conflict { code, .. } => code,
            EngineError::NotFound { kind, .. } => kind,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(spec("quick", "61 * * * *")).await, "bad_cron");
    let zone = "Europe/Belin".to_owned();
    assert_eq!(refused(ScheduleSpec { zone, ..spec("quick", "@daily") }).await, "bad_zone");
    assert_eq!(refused(spec("nothing", "@daily")).await, "workflow");
    put(&world, "it", spec("quick", "@daily")).await;
    assert_eq!(refused(spec("quick", "@daily")).await, "schedule_exists");
    let other = "other".parse().unwrap();
    let theirs = world.handle.schedule(&other, "it").await;
    assert!(matches!(theirs, Err(EngineError::NotFound { .. })));
}

/// A day of many runs: short ones, ones that wait for people until their deadline, in threads and
/// out of them. At its end nothing is stuck and nothing is left in memory.
#[tokio::test]
async fn a_simulated_day_leaves_nothing_behind() {
    let world = world_at(MARCH).await;
    let thread = "thread_00000000000000000000000000000abc".parse().unwrap();
    let schedules = [
        ("often", spec("quick", "*/5 * * * *")),
        ("asks", spec("asks", "7 * * * *")),
        (
            "queued",
            ScheduleSpec { thread: ScheduledThread::Fixed(thread), ..spec("asks", "0 */3 * * *") },
        ),
        ("new", ScheduleSpec { thread: ScheduledThread::New, ..spec("quick", "*/30 * * * *") }),
        ("alone", ScheduleSpec { overlap: Overlap::Skip, ..spec("asks", "*/20 * * * *") }),
        ("spread", ScheduleSpec { jitter_s: 300, ..spec("quick", "*/15 * * * *") }),
    ];
    for (name, spec) in schedules {
        put(&world, name, spec).await;
    }
    let end = MARCH.after_ms(24 * HOUR);
    // Whoever is to sleep does so only then.
    world.idle().await;
    for _ in 0..20_000 {
        if world.clock.now() >= end {
            break;
        }
        assert!(world.clock.advance_to_next_sleeper().is_some());
        world.idle().await;
    }
    assert!(world.clock.now() >= end);
    let views = world.handle.schedules(&tenant(), None, 100).await.unwrap();
    let mut started = 0;
    for view in &views {
        let counts = view.schedule.counts;
        assert_eq!((counts.failed, counts.missed), (0, 0), "{}", view.schedule.name);
        started += counts.started;
        let name = view.schedule.name.as_str();
        world.handle.pause_schedule(&tenant(), name, true, "ada").await.unwrap();
    }
    // The questions of the last hours come to their deadlines.
    pass(&world, 4 * HOUR).await;
    let heads = world.store().heads(&tenant(), None, 10_000).await.unwrap();
    assert_eq!(heads.len() as u64, started);
    assert!(started > 450, "{started}");
    let open: Vec<_> = heads.iter().filter(|head| !head.status.is_final()).collect();
    assert!(open.is_empty(), "{open:?}");
    let figures = world.handle.figures();
    assert_eq!((figures.runs_live, figures.runs_stuck, figures.tasks_running), (0, 0, 0));
    assert_eq!(figures.schedules_fired, started);
    assert_eq!((figures.runs_failed, figures.runs_blocked), (0, 0));
}
