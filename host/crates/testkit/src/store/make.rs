//! Commits, records and changes in few words.

use serde_json::json;
use wforge_model::effect::{RecordKey, RequestHash};
use wforge_model::event::{EventKind, PlannedTask, RunEvent};
use wforge_model::head::RunHead;
use wforge_model::{Digest, Epoch, RunId, Seq, TaskId, TenantId, Timestamp, Value};
use wforge_ports::store::{
    AuditDraft, Change, Collection, Commit, EffectIntent, EffectRecord, IdempotentReply, Phase,
    Put, QueueChange, Record,
};

/// The lease that every embedded store hands out.
pub const LEASE: Epoch = Epoch(1);

/// The tenant of that name.
#[must_use]
pub fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// A run; the larger, the newer.
#[must_use]
pub fn run(number: u8) -> RunId {
    let mut bytes = [7; 16];
    bytes[5] = number;
    RunId::from_bytes(bytes)
}

/// A task.
#[must_use]
pub fn task(number: u8) -> TaskId {
    TaskId::from_bytes([number; 16])
}

/// A run is started with that input.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "reads best at its many callers")]
pub fn started(input: Value) -> RunEvent {
    // From JSON, so that a field that comes with a default later needs no change here.
    serde_json::from_value(json!({
        "at": 1_000,
        "kind": { "run_started": {
            "workflow": "brief",
            "version": "1.2.3",
            "digest": Digest::from_bytes([9; 32]),
            "input": { "input": input },
            "mock_mode": "node",
            "routes": [],
            "by": "tester",
        } },
    }))
    .unwrap()
}

/// A super-step was committed.
#[must_use]
pub fn stepped(step: u32) -> RunEvent {
    let at = Timestamp(1_000 + u64::from(step));
    RunEvent { at, kind: EventKind::StepCommitted { ns: None, step } }
}

/// A super-step with these tasks begins.
#[must_use]
pub fn planned(step: u32, tasks: &[TaskId]) -> RunEvent {
    let node: wforge_model::NodeId = "node".parse().unwrap();
    let tasks =
        tasks.iter().map(|id| PlannedTask { id: *id, node: node.clone(), send: None }).collect();
    RunEvent { at: Timestamp(1_000), kind: EventKind::StepPlanned { ns: None, step, tasks } }
}

/// The row of a run of the workflow `brief`.
#[must_use]
pub fn head(tenant: &TenantId, run: RunId) -> RunHead {
    RunHead { workflow: "brief".to_owned(), ..RunHead::new(tenant.clone(), run) }
}

/// A commit of events, and nothing with it.
#[must_use]
pub fn commit(tenant: &TenantId, run: RunId, expected: u64, events: Vec<RunEvent>) -> Commit {
    Commit {
        tenant: tenant.clone(),
        run,
        expected: Seq(expected),
        lease: LEASE,
        events,
        head: head(tenant, run),
        thread: None,
        kv: Vec::new(),
        queue: QueueChange::Live,
        audit: Vec::new(),
        outbox: Vec::new(),
        idempotent_reply: None,
    }
}

/// An answer at a place of a task.
#[must_use]
pub fn answer(tenant: &TenantId, task: TaskId, position: u32, answer: Value) -> Record {
    let answer = EffectRecord {
        request: RequestHash([3; 16]),
        summary: "http.fetch".to_owned(),
        at: Timestamp(5_000),
        answer: Ok(answer),
        list: None,
        model: None,
        wrote: false,
        emits: 0,
    };
    record(tenant, task, position, Phase::Answer(answer))
}

/// An intent at a place of a task.
#[must_use]
pub fn intent(tenant: &TenantId, task: TaskId, position: u32) -> Record {
    let intent = EffectIntent {
        request: RequestHash([3; 16]),
        summary: "http.fetch".to_owned(),
        at: Timestamp(4_000),
        due: None,
        emits: 0,
    };
    record(tenant, task, position, Phase::Intent(intent))
}

fn record(tenant: &TenantId, task: TaskId, position: u32, phase: Phase) -> Record {
    let key = RecordKey { task, attempt: 1, position };
    Record { tenant: tenant.clone(), run: run(1), lease: LEASE, key, phase, kv: Vec::new() }
}

/// A setting; none deletes.
#[must_use]
pub fn put(key: &str, value: Option<Value>) -> Put {
    Put { collection: Collection::Settings, key: key.to_owned(), value }
}

/// A change of documents, and nothing with it.
#[must_use]
pub fn change(tenant: &TenantId, expected: Option<u64>, puts: Vec<Put>) -> Change {
    Change {
        tenant: tenant.clone(),
        expected: expected.map(wforge_model::Version),
        puts,
        audit: Vec::new(),
        idempotent_reply: None,
    }
}

/// An audit entry that says what was done.
#[must_use]
pub fn audit(action: &str) -> AuditDraft {
    AuditDraft {
        at: Timestamp(1),
        actor: "alice".to_owned(),
        action: action.to_owned(),
        resource: "thing".to_owned(),
        outcome: "ok".to_owned(),
    }
}

/// A reply under a key, made at 1,000 and good until 9,000.
#[must_use]
pub fn reply(key: &str, reply: Value) -> IdempotentReply {
    IdempotentReply {
        key: key.to_owned(),
        fingerprint: "print".to_owned(),
        reply,
        made_at: Timestamp(1_000),
        expires_at: Timestamp(9_000),
    }
}

/// Text of that many bytes, no two places of it alike.
#[must_use]
pub fn text(bytes: usize) -> String {
    let mut text: String = (0..).map(|n: u64| format!("{n:x}-")).take(bytes / 2 + 1).collect();
    text.truncate(bytes);
    text
}
