//! What plugins wrote to their logs, kept for a while for whoever looks later.
//!
//! In memory alone: lines are no part of a run, and go with the process. One budget of bytes holds
//! for all tenants; where it is passed, whoever has the most lines loses those of their oldest run.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde::Serialize;
use wforge_model::agent::AgentCall;
use wforge_model::{NodeId, RunId, TaskId, TenantId, Timestamp};
use wforge_ports::Clock;
use wforge_ports::effects::GuestLevel;
use wforge_ports::figures;

/// Lines of one run; the oldest go first.
const RUN_LINES_MAX: usize = 1_000;
/// Bytes of all lines together.
const BYTES_MAX: usize = 32 << 20;
/// What a line takes beside its text.
const LINE_BYTES: usize = 128;
/// What a run takes beside its lines: its place among the runs, and the room for its first lines.
const RUN_BYTES: usize = 512;

/// A line that a plugin wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LogLine {
    /// Its number; grows over all lines of the process and over its restarts.
    pub n: u64,
    /// When it came.
    pub at: Timestamp,
    /// The node of its task.
    pub node: NodeId,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: u32,
    /// How much it matters.
    pub level: GuestLevel,
    /// The text, with names and values after it.
    pub message: String,
}

impl LogLine {
    fn bytes(&self) -> usize {
        self.message.len().saturating_add(LINE_BYTES)
    }
}

/// The lines of all runs.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    clock: OnceLock<Arc<dyn Clock>>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    tenants: HashMap<TenantId, OfTenant>,
    bytes: usize,
    last: u64,
}

#[derive(Debug, Default)]
struct OfTenant {
    runs: HashMap<RunId, VecDeque<LogLine>>,
    /// The runs, the one that wrote first before the others.
    order: VecDeque<RunId>,
    bytes: usize,
}

impl Lines {
    /// Lines are dated by that clock from now on.
    pub(crate) fn dated_by(&self, clock: &Arc<dyn Clock>) {
        let _ = self.clock.set(Arc::clone(clock));
    }

    /// Keeps a line.
    pub(crate) fn keep(&self, call: &AgentCall, level: GuestLevel, message: &str) {
        let at = self.clock.get().map(|clock| clock.now()).unwrap_or_default();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.last = kept.last.saturating_add(1).max(at.0.saturating_mul(1_000));
        let line = LogLine {
            n: kept.last,
            at,
            node: call.node.clone(),
            task: call.task,
            attempt: call.attempt,
            level,
            message: message.to_owned(),
        };
        kept.add(&call.tenant, call.run, line);
        while kept.bytes > BYTES_MAX && kept.make_room() {}
    }

    /// At most `limit` lines of a run after that one, which are `wanted`.
    pub(crate) fn of_run(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: u64,
        limit: usize,
        wanted: impl Fn(&LogLine) -> bool,
    ) -> Vec<LogLine> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = kept.tenants.get(tenant).and_then(|tenant| tenant.runs.get(&run));
        let lines = lines.into_iter().flatten().filter(|line| line.n > after && wanted(line));
        lines.take(limit).cloned().collect()
    }

    /// The runs of which there are lines.
    pub(crate) fn kept(&self) -> figures::Kept {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = kept.tenants.values().map(|tenant| tenant.runs.len()).sum();
        figures::Kept::bytes("logged_runs", runs, kept.bytes)
    }

    /// Drops what plugins of a tenant wrote.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gone) = kept.tenants.remove(tenant) {
            kept.bytes = kept.bytes.saturating_sub(gone.bytes);
        }
    }
}

impl Kept {
    fn add(&mut self, tenant: &TenantId, run: RunId, line: LogLine) {
        let of_tenant = self.tenants.entry(tenant.clone()).or_default();
        let mut more = line.bytes();
        let lines = of_tenant.runs.entry(run).or_insert_with(|| {
            of_tenant.order.push_back(run);
            more = more.saturating_add(RUN_BYTES);
            VecDeque::new()
        });
        let gone = if lines.len() >= RUN_LINES_MAX { lines.pop_front() } else { None };
        let less = gone.map_or(0, |line| line.bytes());
        lines.push_back(line);
        of_tenant.bytes = of_tenant.bytes.saturating_add(more).saturating_sub(less);
        self.bytes = self.bytes.saturating_add(more).saturating_sub(less);
    }

    /// Drops the oldest run of whoever has the most; false where there is none.
    fn make_room(&mut self) -> bool {
        let most = self.tenants.values_mut().max_by_key(|tenant| tenant.bytes);
        let Some(tenant) = most else { return false };
        let Some(run) = tenant.order.pop_front() else { return false };
        let gone = tenant.runs.remove(&run).unwrap_or_default();
        let bytes = gone.iter().map(LogLine::bytes).sum::<usize>().saturating_add(RUN_BYTES);
        tenant.bytes = tenant.bytes.saturating_sub(bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(lines: &Lines, run: u8, message: &str) -> AgentCall {
        let call = AgentCall { run: RunId::from_bytes([run; 16]), ..wforge_testkit::call() };
        lines.keep(&call, GuestLevel::Info, message);
        call
    }

    fn heard(lines: &Lines, call: &AgentCall, after: u64, limit: usize) -> Vec<(u64, String)> {
        let of_run = lines.of_run(&call.tenant, call.run, after, limit, |_| true);
        of_run.into_iter().map(|line| (line.n, line.message)).collect()
    }

    #[test]
    fn lines_of_a_run_are_paged_by_their_numbers() {
        let lines = Lines::default();
        let call = say(&lines, 1, "a");
        say(&lines, 2, "of another");
        say(&lines, 1, "b");
        assert_eq!(heard(&lines, &call, 0, 1), [(1, "a".to_owned())]);
        assert_eq!(heard(&lines, &call, 1, 9), [(3, "b".to_owned())]);
        lines.forget_tenant(&call.tenant);
        assert_eq!(heard(&lines, &call, 0, 9), []);
        assert_eq!(lines.kept.lock().unwrap().bytes, 0);
    }

    #[test]
    fn of_a_run_the_oldest_lines_go_and_of_all_the_oldest_run_of_whoever_has_most() {
        let lines = Lines::default();
        let call = say(&lines, 1, "first");
        (0..RUN_LINES_MAX).for_each(|_| drop(say(&lines, 1, "more")));
        let kept = heard(&lines, &call, 0, usize::MAX);
        assert_eq!((kept.len(), kept[0].1.as_str()), (RUN_LINES_MAX, "more"));
        let long = "x".repeat(BYTES_MAX / 2);
        say(&lines, 2, &long);
        let last = say(&lines, 3, &long);
        assert_eq!(heard(&lines, &call, 0, 9), []);
        assert!(lines.kept.lock().unwrap().bytes <= BYTES_MAX);
        assert!(heard(&lines, &last, 0, 9).len() <= 1);
    }

    #[test]
    fn runs_of_one_short_line_take_their_room_too() {
        let lines = Lines::default();
        let runs_max = BYTES_MAX / (RUN_BYTES + LINE_BYTES);
        for number in 0..=runs_max as u128 {
            let call = AgentCall {
                run: RunId::from_bytes(number.to_be_bytes()),
                ..wforge_testkit::call()
            };
            lines.keep(&call, GuestLevel::Info, "");
        }
        let kept = lines.kept.lock().unwrap();
        assert!(kept.bytes <= BYTES_MAX, "{}", kept.bytes);
        let runs: usize = kept.tenants.values().map(|tenant| tenant.runs.len()).sum();
        assert_eq!(runs, runs_max);
    }
}
