//! Cuts the power at every step of scripts of commits, records and changes, and checks what the
//! next opening finds: everything that was acknowledged, and nothing by half.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot};
use wforge_model::{RunId, Seq, TenantId};
use wforge_ports::Entropy;
use wforge_ports::store::{CommitError, KvSpace, KvWrite};
use wforge_testkit::SimEntropy;
use wforge_testkit::store::make;

use crate::budget::{Budget, OPERATION_BYTES_MAX};
use crate::committer::{Committer, Queued, Waiter};
use crate::error::OpenError;
use crate::journal::{Scan, Segments};
use crate::keyring::{Kek, Keyring};
use crate::overlay::Overlay;
use crate::recovery::{self, Parts, Unfit};
use crate::rules::{CommitRun, Operation, RecordEffect};
use crate::shared::Shared;
use crate::{keeper, reads};

mod disk;

use disk::{Disk, View};

const RUNS: u8 = 3;
const OPERATIONS: u64 = 60;
/// Small, so that scripts rotate.
const SEGMENT_BYTES: u64 = 8 << 10;
const EVENTS_PER_COMMIT: u64 = 2;

/// A store whose threads are turned by hand.
struct Machine {
    shared: Arc<Shared>,
    committer: Committer,
}

fn open(disk: &Disk, view: &View) -> Result<Machine, OpenError> {
    let dir = Path::new("/simulated");
    let scan = Scan::read(disk).map_err(|error| recovery::scan_error(dir, error))?;
    let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(scan.last()));
    let kek = Some(Kek::from_bytes([5; 32]));
    let keyring = Keyring::open(dir, kek, entropy, !scan.is_empty())?;
    let farewell = recovery::catch_up(dir, view, &scan, disk).map_err(|unfit| match unfit {
        Unfit::Open(error) => error,
        Unfit::View(reason) => recovery::damaged(dir, "the view", reason),
    })?;
    let (shared, committer) = Parts {
        segments: Arc::new(Segments::new(Arc::new(disk.clone()), SEGMENT_BYTES)),
        overlay: Overlay::new(64 << 20, 4_096),
        view: Box::new(view.clone()),
        files: None,
        keyring,
        clock: None,
    }
    .assemble(dir, &scan, farewell)?;
    Ok(Machine { shared, committer })
}

type Answer<O> = oneshot::Receiver<Result<<O as Operation>::Output, <O as Operation>::Error>>;

impl Machine {
    fn queue<O: Operation>(&self, mut operation: O) -> (Box<dyn Queued>, Answer<O>) {
        operation
            .prepare(&self.shared.vault, &mut Budget::new(OPERATION_BYTES_MAX))
            .unwrap_or_else(|refused| panic!("{refused:?}"));
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let (reply, answer) = oneshot::channel();
        (Box::new(Waiter::new(operation, reply, room)), answer)
    }

    fn group(&mut self, waiting: Vec<Box<dyn Queued>>) {
        let mut waiting = waiting.into_iter();
        self.committer.group(|| waiting.next());
    }

    /// One turn of the thread that lets the view follow; false where the power is gone.
    fn follow(&self) -> bool {
        match self.shared.overlay.work_now() {
            Some(work) => keeper::step(&self.shared, work).is_ok(),
            None => true,
        }
    }
}

/// What a script was told.
#[derive(Debug, Default)]
struct Told {
    /// Acknowledged commits of each run.
    commits: [u64; RUNS as usize],
    /// Commits that got no answer, at most one of each run.
    in_flight: [u64; RUNS as usize],
    /// Acknowledged records and what they hold.
    records: Vec<(u64, Value)>,
    is_over: bool,
}

fn tenant() -> TenantId {
    make::tenant("acme")
}

fn run(number: usize) -> RunId {
    make::run(u8::try_from(number).unwrap())
}

/// Two events, an audit entry and a value, all of one commit.
fn commit(number: usize, before: u64, chance: &SimEntropy) -> CommitRun {
    let bytes = usize::try_from(chance.next_u64() % 1_500).unwrap();
    let events = vec![make::started(json!("x".repeat(bytes))), make::stepped(1)];
    let mut commit = make::commit(&tenant(), run(number), before * EVENTS_PER_COMMIT, events);
    commit.audit = vec![make::audit("commit")];
    let value = Some(json!(before + 1));
    commit.kv = vec![KvWrite::of(KvSpace::Run(run(number)), "commits".to_owned(), value)];
    CommitRun::new(commit)
}

/// Runs a script until it ends or the power goes.
fn perform(machine: &mut Machine, seed: u64) -> Told {
    let chance = SimEntropy::new(seed);
    let mut told = Told::default();
    for number in 0..OPERATIONS {
        let first = usize::try_from(chance.next_u64() % u64::from(RUNS)).unwrap();
        let writers = 1 + usize::try_from(chance.next_u64() % u64::from(RUNS)).unwrap();
        let mut waiting = Vec::new();
        let mut commits = Vec::new();
        for place in 0..writers {
            let of = (first + place) % usize::from(RUNS);
            let (queued, answer) = machine.queue(commit(of, told.commits[of], &chance));
            waiting.push(queued);
            commits.push((of, answer));
        }
        let value = json!({ "operation": number });
        let task = make::task(u8::try_from(number).unwrap());
        let record = RecordEffect::new(make::answer(&tenant(), task, 0, value.clone()));
        let (queued, mut recorded) = machine.queue(record);
        waiting.push(queued);
        machine.group(waiting);
        for (of, mut answer) in commits {
            match answer.try_recv().unwrap() {
                Ok(_) => told.commits[of] += 1,
                Err(CommitError::Unavailable(_)) => told.in_flight[of] = 1,
                Err(other) => panic!("{other}"),
            }
        }
        match recorded.try_recv().unwrap() {
            Ok(_) => told.records.push((number, value)),
            Err(_) => return told,
        }
        if chance.next_u64().is_multiple_of(3) && !machine.follow() {
            return told;
        }
    }
    told.is_over = true;
    told
}

/// Everything that was acknowledged is there, and nothing by half.
fn check(machine: &Machine, told: &Told, place: &str) {
    let (vault, rows, tenant) = (&machine.shared.vault, machine.shared.rows(), tenant());
    let mut commits = 0;
    for number in 0..usize::from(RUNS) {
        let head = reads::head(vault, &rows, &tenant, run(number)).unwrap();
        let length = head.map_or(0, |head| head.seq.0);
        let made = length / EVENTS_PER_COMMIT;
        let (least, most) = (told.commits[number], told.commits[number] + told.in_flight[number]);
        assert!(
            length.is_multiple_of(EVENTS_PER_COMMIT) && (least..=most).contains(&made),
            "{place}: run {number} has {length} events, {least} to {most} commits expected"
        );
        let space = KvSpace::Run(run(number)).to_string();
        let counted = reads::memory(vault, &rows, &tenant, &space, "commits").unwrap();
        let counted = counted.entry.map(|entry| (entry.value, entry.version.0));
        let expected = (made > 0).then(|| (json!(made), made));
        assert_eq!(counted, expected, "{place}: memory of run {number}");
        let events = reads::events(vault, &rows, &tenant, run(number), Seq(0), usize::MAX).unwrap();
        assert_eq!(events.len() as u64, length, "{place}: events of run {number}");
        commits += made;
    }
    let audit = reads::audit(vault, &rows, &tenant, 0, usize::MAX).unwrap();
    assert_eq!(audit.len() as u64, commits, "{place}: audit entries");
    for (number, value) in &told.records {
        let task = make::task(u8::try_from(*number).unwrap());
        let found = reads::records(vault, &rows, &tenant, task).unwrap();
        assert_eq!(found, [make::answer(&tenant, task, 0, value.clone())], "{place}");
    }
}

/// The disk and view of a script that was cut there, and what it was told.
fn cut(seed: u64, step: Option<u64>) -> (Disk, View, Told) {
    let (disk, view) = (Disk::default(), View::default());
    if let Some(step) = step {
        disk.cut_at(step);
    }
    let told = open(&disk, &view)
        .map_or_else(|_| Told::default(), |mut machine| perform(&mut machine, seed));
    (disk, view, told)
}

#[test]
fn after_a_power_cut_at_any_step_all_that_was_acknowledged_is_there_and_nothing_by_half() {
    let (mut cuts, mut rotations) = (0, 0);
    for seed in 0..3 {
        let (disk, _, told) = cut(seed, None);
        assert!(told.is_over, "seed {seed}: a script without a cut comes to its end");
        rotations += Scan::read(&disk).unwrap().first();
        for step in 0..disk.steps() {
            let place = format!("seed {seed}, step {step}");
            let (disk, view, told) = cut(seed, Some(step));
            let chance = SimEntropy::new(seed << 32 | step);
            let (disk, view) = (disk.after_cut(&chance), view.after_cut(&chance));
            let mut machine = open(&disk, &view).unwrap_or_else(|error| panic!("{place}: {error}"));
            check(&machine, &told, &place);
            go_on(&mut machine, &disk, &view, &place);
            cuts += 1;
        }
    }
    println!("{cuts} cuts, seeds 0 to 2");
    assert!(cuts > 1_000 && rotations > 3, "{cuts} cuts, {rotations}: nothing was tried");
}

/// What was found can be written on, and cut again without a step in between.
fn go_on(machine: &mut Machine, disk: &Disk, view: &View, place: &str) {
    let head = reads::head(&machine.shared.vault, &machine.shared.rows(), &tenant(), run(0));
    let before = head.unwrap().map_or(0, |head| head.seq.0) / EVENTS_PER_COMMIT;
    let (queued, mut answer) = machine.queue(commit(0, before, &SimEntropy::new(1)));
    machine.group(vec![queued]);
    let length = answer.try_recv().unwrap().unwrap_or_else(|error| panic!("{place}: {error}"));
    let chance = SimEntropy::new(before);
    let (disk, view) = (disk.after_cut(&chance), view.after_cut(&chance));
    let again = open(&disk, &view).unwrap_or_else(|error| panic!("{place}, again: {error}"));
    let head = reads::head(&again.shared.vault, &again.shared.rows(), &tenant(), run(0));
    assert_eq!(head.unwrap().unwrap().seq, length, "{place}, again");
}

#[test]
fn an_acknowledged_frame_that_is_damaged_later_refuses_to_open() {
    use crate::journal::io::JournalIo as _;
    // The first frame of the last segment, behind which there are others.
    let with_frames_behind = |seed| {
        let (disk, view, _) = cut(seed, None);
        let name = disk.list().unwrap().into_iter().filter(|name| name.ends_with(".wal")).max()?;
        let first: u64 = name.trim_end_matches(".wal").parse().unwrap();
        (Scan::read(&disk).unwrap().last() > first).then_some((disk, view, name))
    };
    let (disk, view, name) = (0..20).find_map(with_frames_behind).unwrap();
    let file = disk.open(&name).unwrap();
    file.write_at(40, &[0xff; 8]).and_then(|()| file.sync()).unwrap();
    let chance = SimEntropy::new(3);
    let error = open(&disk.after_cut(&chance), &view.after_cut(&chance)).err();
    assert!(matches!(error, Some(OpenError::Damaged { .. })), "{error:?}");
}

#[test]
fn after_a_failed_sync_nothing_is_accepted() {
    let (disk, view) = (Disk::default(), View::default());
    let mut machine = open(&disk, &view).unwrap();
    // The next step is the write of the frame, the one after it the sync.
    disk.cut_at(disk.steps() + 1);
    for attempt in 0..3 {
        let (queued, mut answer) = machine.queue(commit(0, 0, &SimEntropy::new(1)));
        machine.group(vec![queued]);
        let refused = answer.try_recv().unwrap();
        assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{attempt}: {refused:?}");
    }
    let head = reads::head(&machine.shared.vault, &machine.shared.rows(), &tenant(), run(0));
    assert_eq!(head.unwrap(), None, "what is not durable is not seen");
}
