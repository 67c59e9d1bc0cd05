//! What tasks did beside answering: whether somebody may still stand in for them, and how what they
//! used of models adds up.

use wforge_model::agent::{Execution, Reply};
use wforge_model::command::Fact;
use wforge_model::event::EventKind;
use wforge_model::mock::MockMode;
use wforge_model::{Deeds, Failure, FailureKind, ModelUsage, Problem, Usage};

use crate::harness::{Bench, Start};

fn one(node: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {{ schema: {{ type: object }} }} }}
input: []
output: [x]
nodes:
  a: {{ in: {{}}, out: {{ x: result }}, {node} }}
edges: [{{ from: START, to: a }}]
"
    )
}

fn wrote() -> Deeds {
    Deeds { wrote: true, ..Deeds::default() }
}

/// Calls of the model `fast` that read and wrote ten tokens each.
fn asked(calls: u64) -> Deeds {
    let mut usage = Usage::default();
    for _ in 0..calls {
        let used = ModelUsage { calls: 1, failed: 0, input_tokens: 10, output_tokens: 10 };
        usage.take("fast", &used);
    }
    Deeds { usage, wrote: false }
}

fn end(bench: &mut Bench, execution: Execution, deeds: Deeds) {
    let (task, attempt) = bench.next_call();
    bench.tell(Fact::Executed { task, attempt, execution, elapsed_ms: 1, deeds });
}

fn failed(failure: fn(Problem) -> Failure) -> Execution {
    Execution::Failed { failure: failure(Problem::new("oops", "it broke")), effects: 3 }
}

/// How a task ends whose agent fails after what it did.
fn ending(node: &str, failure: fn(Problem) -> Failure, deeds: Deeds) -> String {
    ending_in(None, node, failure, deeds)
}

fn ending_in(
    mode: Option<MockMode>,
    node: &str,
    failure: fn(Problem) -> Failure,
    deeds: Deeds,
) -> String {
    let mut bench = Bench::begin(&one(node), "", Start { mode, ..Start::default() });
    end(&mut bench, failed(failure), deeds);
    let last = bench.log.iter().rev().find_map(|event| match &event.kind {
        EventKind::TaskFinished(finished) => {
            Some(format!("{} stands in", finished.source.as_str()))
        }
        EventKind::TaskRetried { falls_back: true, .. } => Some("another agent tries".to_owned()),
        EventKind::TaskRetried { falls_back: false, .. } => Some("it tries again".to_owned()),
        EventKind::TaskFailed { after_write: true, .. } => Some("failed after a write".to_owned()),
        EventKind::TaskFailed { handler: Some(_), .. } => Some("handled".to_owned()),
        EventKind::TaskFailed { .. } => Some("failed".to_owned()),
        _ => None,
    });
    last.unwrap_or_default()
}

const MOCK: &str = "agent: t/a, fallback: mock, mock: { output: { by: mock } }";
const OTHER: &str = "agent: t/a, fallback: t/b";

#[test]
fn rule_10_nobody_stands_in_after_a_write_for_what_fallback_covers() {
    for (name, failure) in [
        ("trap", Failure::Trap as fn(Problem) -> Failure),
        ("timeout", Failure::Timeout),
        ("upstream", Failure::Upstream),
        ("limit", Failure::Limit),
        ("bad_output", Failure::BadOutput),
    ] {
        assert_eq!(ending(MOCK, failure, Deeds::default()), "fallback stands in", "{name}");
        assert_eq!(ending(MOCK, failure, wrote()), "failed after a write", "{name}");
        assert_eq!(ending(OTHER, failure, Deeds::default()), "another agent tries", "{name}");
        assert_eq!(ending(OTHER, failure, wrote()), "failed after a write", "{name}");
    }
}

#[test]
fn rule_10_somebody_stands_in_after_a_write_where_the_node_says_so() {
    for (node, expected) in [(MOCK, "fallback stands in"), (OTHER, "another agent tries")] {
        let node = format!("{node}, fallback_on: [after_write]");
        assert_eq!(ending(&node, Failure::Trap, wrote()), expected);
        assert_eq!(ending(&node, Failure::Failed, wrote()), "failed", "it is no kind of failure");
    }
}

#[test]
fn rule_10_the_mode_fallback_stands_in_for_nobody_who_wrote() {
    let mode = Some(MockMode::Fallback);
    let node = "agent: t/a, mock: { output: { by: mock } }";
    assert_eq!(ending_in(mode, node, Failure::Trap, Deeds::default()), "fallback stands in");
    assert_eq!(ending_in(mode, node, Failure::Trap, wrote()), "failed after a write");
}

#[test]
fn rule_10_a_write_changes_nothing_where_nobody_would_have_stood_in() {
    assert_eq!(ending("agent: t/a", Failure::Trap, wrote()), "failed");
    assert_eq!(ending(MOCK, Failure::Failed, wrote()), "failed");
}

#[test]
fn rule_10_a_retry_comes_first_and_a_handler_too() {
    let retry = format!("{MOCK}, retry: [{{ on: [trap], max_attempts: 2, initial: 1s }}]");
    assert_eq!(ending(&retry, Failure::Trap, wrote()), "it tries again");
    let text = one(&format!("{MOCK}, on_error: b"))
        .replace("edges: [", "  b: { set: { x: '{\"by\": \"b\"}' } }\nedges: [");
    let mut bench = Bench::begin(&text, "", Start::default());
    end(&mut bench, failed(Failure::Trap), wrote());
    assert_eq!(bench.run.status.as_str(), "completed", "{}", bench.story());
}

#[test]
fn rule_10_a_result_that_does_not_fit_after_a_write_is_not_stood_in_for() {
    let mut bench = Bench::begin(&one(MOCK), "", Start::default());
    let reply = Reply { output: serde_json::json!("no object"), exits: Vec::new() };
    end(&mut bench, Execution::Replied(reply), wrote());
    assert_eq!(bench.run.status.as_str(), "failed");
}

#[test]
fn what_a_task_used_counts_once_for_its_run_however_many_attempts_it_made() {
    let retry = "agent: t/a, retry: [{ on: [trap], max_attempts: 3, initial: 1s }]";
    let mut bench = Bench::begin(&one(retry), "", Start::default());
    end(&mut bench, failed(Failure::Trap), asked(2));
    assert_eq!(bench.run.usage.total.calls, 2, "an attempt that failed was paid for as well");
    bench.wait_only();
    // Records say what the task used in all, the attempt before included.
    let reply = Reply { output: serde_json::json!({}), exits: Vec::new() };
    end(&mut bench, Execution::Replied(reply), asked(5));
    assert_eq!(bench.run.usage, asked(5).usage);
    let finished = bench.log.iter().find_map(|event| match &event.kind {
        EventKind::TaskFinished(finished) => Some(finished.usage.clone()),
        _ => None,
    });
    assert_eq!(finished, Some(asked(5).usage));
    bench.restart();
    assert_eq!(bench.run.usage, asked(5).usage, "it is folded from the log");
}

#[test]
fn a_script_that_takes_over_has_what_the_agent_used_before_it() {
    let node = "agent: t/a, fallback: mock, mock: { script: [{ set: { by: \"'mock'\" } }] }";
    let mut bench = Bench::begin(&one(node), "", Start::default());
    end(&mut bench, failed(Failure::Trap), asked(3));
    assert_eq!(bench.run.status.as_str(), "completed", "{}", bench.story());
    let used = bench.log.iter().find_map(|event| match &event.kind {
        EventKind::TaskFinished(finished) => Some(finished.usage.total.calls),
        _ => None,
    });
    assert_eq!((used, bench.run.usage.total.calls), (Some(3), 3));
}

#[test]
fn an_event_of_a_log_that_knew_no_usage_reads_as_none() {
    let task = wforge_model::TaskId::from_bytes([1; 16]);
    let text = format!(
        r#"{{"task_finished":{{"task":"{task}","attempt":1,"source":"live","writes":[],"routes":[],"elapsed_ms":1}}}}"#
    );
    let event: EventKind = serde_json::from_str(&text).unwrap();
    let EventKind::TaskFinished(finished) = &event else { panic!("{event:?}") };
    assert!(finished.usage.is_none());
    assert_eq!(serde_json::to_string(&event).unwrap(), text, "and writes as it was");
}

/// A failure of that kind, as its agent or the host would report it.
fn of_kind(kind: FailureKind) -> Failure {
    let kind = kind.as_str();
    let fields = match kind {
        "denied" => r#""capability":"llm","resource":"fast","hint":"grant it""#,
        _ => r#""code":"oops","message":"it broke""#,
    };
    serde_json::from_str(&format!(r#"{{"kind":"{kind}",{fields}}}"#)).unwrap()
}

#[test]
fn rule_10_what_fallback_covers_what_only_by_name_and_what_never() {
    use FailureKind::{Cancelled, Denied, Failed, InvalidInput};
    for (kind, name) in FailureKind::ALL {
        let end_with = |node: &str| {
            let mut bench = Bench::begin(&one(node), "", Start::default());
            let execution = Execution::Failed { failure: of_kind(kind), effects: 0 };
            end(&mut bench, execution, Deeds::default());
            bench.run.degraded
        };
        let by_itself = end_with(MOCK);
        let by_name = end_with(&format!("{MOCK}, fallback_on: [{name}]"));
        let expected = match kind {
            Cancelled => (false, false),
            InvalidInput | Denied | Failed => (false, true),
            _ => (true, true),
        };
        assert_eq!((by_itself, by_name), expected, "{name}");
    }
}
