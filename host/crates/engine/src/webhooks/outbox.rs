//! What webhooks are told of a commit: one pure function of its events, the run's row and the
//! webhooks as they stand. Its rows are written with the events, so neither is there without the
//! other.

use std::sync::Arc;

use serde_json::json;
use wforge_model::effect::{Question, Waiting};
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::webhook::{Delivery, DeliveryStatus, HookEvent, Webhook, delivery_id};
use wforge_model::{Object, RunId, Seq, TaskId, Timestamp, Value};
use wforge_ports::store::OutboxRow;

/// Something of a run of which a webhook may be told.
struct Notice<'a> {
    event: HookEvent,
    seq: Seq,
    at: Timestamp,
    about: About<'a>,
}

enum About<'a> {
    Run,
    Question { task: TaskId, question: &'a Question },
}

/// The deliveries that follow from events after `before`, one for each webhook that wants one.
pub(super) fn deliveries(
    hooks: &[Arc<Webhook>],
    before: Seq,
    events: &[RunEvent],
    head: &RunHead,
    body_bytes_max: usize,
) -> Vec<Delivery> {
    let mut all = Vec::new();
    for notice in notices(before, events, head) {
        let wants = |hook: &&Arc<Webhook>| hook.wants(notice.event, head);
        let mut wanting = hooks.iter().filter(wants).peekable();
        if wanting.peek().is_none() {
            continue;
        }
        let data = data(head, &notice, body_bytes_max);
        all.extend(wanting.map(|hook| delivery(hook, head, &notice, data.clone())));
    }
    all
}

/// As the store takes it.
pub(super) fn row(delivery: &Delivery) -> Option<OutboxRow> {
    // Numbers and text always have JSON.
    let value = serde_json::to_value(delivery).ok()?;
    Some(OutboxRow { key: delivery.key(), value })
}

fn delivery(hook: &Webhook, head: &RunHead, notice: &Notice<'_>, data: Value) -> Delivery {
    let place = (head.run, notice.seq, notice.at);
    // A task that asks several questions at once does so in one event.
    let id = match &notice.about {
        About::Run => delivery_id(&head.tenant, &hook.name, place),
        About::Question { question, .. } => {
            let of_question = RunId::from_bytes(*question.id.as_bytes());
            delivery_id(&head.tenant, &hook.name, (of_question, notice.seq, notice.at))
        }
    };
    Delivery {
        id,
        webhook: hook.name.clone(),
        event: notice.event,
        run: Some(head.run),
        seq: Some(notice.seq),
        at: notice.at,
        status: DeliveryStatus::Pending,
        attempts_made: 0,
        attempts: Vec::new(),
        next_at: Some(notice.at),
        since: notice.at,
        attempts_since: 0,
        data,
    }
}

fn notices<'a>(before: Seq, events: &'a [RunEvent], head: &RunHead) -> Vec<Notice<'a>> {
    let (mut all, mut seq) = (Vec::new(), before);
    for RunEvent { at, kind } in events {
        seq = seq.next();
        let notice = |event, about| Notice { event, seq, at: *at, about };
        let of_run = |event| notice(event, About::Run);
        match kind {
            EventKind::RunCompleted { .. } => all.push(of_run(HookEvent::RunCompleted)),
            EventKind::RunFailed { .. } => all.push(of_run(HookEvent::RunFailed)),
            EventKind::RunCancelled { .. } => all.push(of_run(HookEvent::RunCancelled)),
            EventKind::RunBlocked { .. } => all.push(of_run(HookEvent::RunBlocked)),
            EventKind::Interrupted { .. } => all.push(of_run(HookEvent::RunPaused)),
            EventKind::TaskSuspended { waiting: Waiting::Quarantine { .. }, .. } => {
                // Where others of its tasks go on, it is not blocked; of several one says it.
                let is_blocked = |told: &Notice<'_>| told.event == HookEvent::RunBlocked;
                if head.status == RunStatus::Blocked && !all.iter().any(is_blocked) {
                    all.push(of_run(HookEvent::RunBlocked));
                }
            }
            EventKind::TaskSuspended { task, waiting } => {
                // One that was answered beforehand is not open any more.
                let is_open =
                    |asked: &&Question| head.questions().any(|(_, open)| open.id == asked.id);
                all.extend(waiting.questions().iter().filter(is_open).map(|question| {
                    let about = About::Question { task: *task, question };
                    notice(HookEvent::InterruptOpened, about)
                }));
            }
            _ => {}
        }
    }
    all
}

/// What the delivery is about, in the shape in which the API shows it. Where that would be too
/// large, only where it is found.
fn data(head: &RunHead, notice: &Notice<'_>, bytes_max: usize) -> Value {
    let whole = match &notice.about {
        About::Run => of_run(head, notice.seq),
        About::Question { task, question } => of_question(head, (*task, notice.seq), question),
    };
    // An envelope goes around it.
    let is_small = serde_json::to_vec(&whole).is_ok_and(|json| json.len() < bytes_max / 2);
    if is_small { whole } else { thin(&whole) }
}

/// A thing by its name alone.
pub(super) fn thin(whole: &Value) -> Value {
    let mut thin = Object::new();
    for field in ["kind", "id", "href"] {
        thin.extend(whole.get(field).map(|value| (field.to_owned(), value.clone())));
    }
    thin.insert("too_large".to_owned(), true.into());
    Value::Object(thin)
}

fn of_run(head: &RunHead, seq: Seq) -> Value {
    let mut fields = match serde_json::to_value(head) {
        Ok(Value::Object(fields)) => fields,
        _ => Object::new(),
    };
    // What it waits for may be a lot, and changes while the delivery is under way.
    fields.remove("waiting_for");
    fields.insert("kind".to_owned(), "run".into());
    fields.insert("id".to_owned(), head.run.to_string().into());
    fields.insert("href".to_owned(), format!("/v1/runs/{}", head.run).into());
    fields.insert("seq".to_owned(), seq.0.into());
    Value::Object(fields)
}

fn of_question(head: &RunHead, (task, seq): (TaskId, Seq), question: &Question) -> Value {
    let node = head.waiting_for.iter().find(|entry| entry.task == Some(task));
    json!({
        "kind": "interrupt",
        "id": question.id,
        "href": format!("/v1/runs/{}", head.run),
        "run": head.run,
        "workflow": head.workflow,
        "thread": head.thread,
        "task": task,
        "node": node.and_then(|entry| entry.node.as_ref()),
        "prompt": question.prompt,
        "deadline": question.deadline,
        "assignee": question.assignee,
        "seq": seq,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wforge_model::TenantId;
    use wforge_model::effect::RequestHash;
    use wforge_model::head::{WaitReason, WaitingFor};
    use wforge_model::{Labels, NodeId, QuestionId};

    use super::*;

    fn hook(name: &str, events: &[HookEvent], workflow: Option<&str>) -> Arc<Webhook> {
        Arc::new(Webhook {
            name: name.parse().unwrap(),
            url: "https://hooks.example/".into(),
            events: events.iter().copied().collect::<BTreeSet<_>>(),
            workflow: workflow.map(str::to_owned),
            labels: Labels::default(),
            include_output: false,
            off: None,
            given_up_in_row: 0,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            by: "ann".into(),
        })
    }

    fn head() -> RunHead {
        let tenant: TenantId = "acme".parse().unwrap();
        RunHead { workflow: "brief".into(), ..RunHead::new(tenant, RunId::from_bytes([1; 16])) }
    }

    fn event(kind: EventKind) -> RunEvent {
        RunEvent { at: Timestamp(5), kind }
    }

    fn completed() -> RunEvent {
        event(EventKind::RunCompleted { outcome: None, output: Object::new() })
    }

    fn told(hooks: &[Arc<Webhook>], events: &[RunEvent], head: &RunHead) -> Vec<String> {
        let all = deliveries(hooks, Seq(3), events, head, 10_000);
        let of = |it: &Delivery| format!("{} {} {}", it.webhook, it.event, it.seq.unwrap().0);
        all.iter().map(of).collect()
    }

    #[test]
    fn each_webhook_is_told_of_what_it_wants_and_of_its_workflow() {
        let hooks = [
            hook("all", &HookEvent::ALL, None),
            hook("ends", &[HookEvent::RunCompleted], Some("brief")),
            hook("other", &[HookEvent::RunCompleted], Some("other")),
            hook("fails", &[HookEvent::RunFailed], None),
        ];
        let events = [event(EventKind::StepCommitted { ns: None, step: 1 }), completed()];
        let expected = ["all run.completed 5", "ends run.completed 5"];
        assert_eq!(told(&hooks, &events, &head()), expected);
        let off = wforge_model::webhook::SwitchedOff {
            at: Timestamp(1),
            reason: wforge_model::webhook::OffReason::Asked,
        };
        let off = Webhook { off: Some(off), ..Webhook::clone(&hooks[0]) };
        assert_eq!(told(&[Arc::new(off)], &events, &head()), [""; 0]);
    }

    #[test]
    fn a_webhook_with_labels_is_told_of_runs_that_have_all_of_them() {
        let labels = |pairs: &[&str]| Labels::of_pairs(pairs.iter().copied()).unwrap();
        let wants = |pairs: &[&str]| {
            let all = hook("prod", &HookEvent::ALL, Some("brief"));
            [Arc::new(Webhook { labels: labels(pairs), ..Webhook::clone(&all) })]
        };
        let of = |pairs: &[&str]| RunHead { labels: labels(pairs), ..head() };
        let check = |hooks: &[Arc<Webhook>], head: &RunHead, is_told: bool| {
            assert_eq!(told(hooks, &[completed()], head).len(), usize::from(is_told), "{head:?}");
        };
        let hooks = wants(&["env=prod", "team=search"]);
        check(&hooks, &of(&["env=prod", "team=search", "who=me"]), true);
        check(&hooks, &of(&["env=prod"]), false);
        check(&hooks, &of(&["env=test", "team=search"]), false);
        check(&hooks, &of(&[]), false);
        let other = RunHead { workflow: "other".into(), ..of(&["env=prod", "team=search"]) };
        check(&hooks, &other, false);
        check(&wants(&[]), &of(&["env=prod"]), true);
    }

    #[test]
    fn a_delivery_shows_the_run_as_it_stood_and_nothing_of_its_state() {
        let hooks = [hook("all", &HookEvent::ALL, None)];
        let all = deliveries(&hooks, Seq(3), &[completed()], &head(), 10_000);
        let again = deliveries(&hooks, Seq(3), &[completed()], &head(), 10_000);
        assert_eq!(all, again);
        let data = &all[0].data;
        assert_eq!((&data["kind"], &data["seq"]), (&json!("run"), &json!(4)));
        assert_eq!(data["href"], format!("/v1/runs/{}", head().run));
        assert!(data.get("output").is_none() && data.get("waiting_for").is_none(), "{data}");
        let thin = &deliveries(&hooks, Seq(3), &[completed()], &head(), 100)[0].data;
        assert_eq!((&thin["too_large"], thin.get("workflow")), (&json!(true), None));
    }

    #[test]
    fn a_run_of_which_all_waits_for_a_quarantine_is_told_as_blocked_once() {
        let suspended = |number| {
            let component = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
            let waiting = Waiting::Quarantine { component, reason: "odd".into() };
            event(EventKind::TaskSuspended { task: TaskId::from_bytes([number; 16]), waiting })
        };
        let (hooks, events) = ([hook("all", &HookEvent::ALL, None)], [suspended(1), suspended(2)]);
        let blocked = RunHead { status: RunStatus::Blocked, ..head() };
        assert_eq!(told(&hooks, &events, &blocked), ["all run.blocked 4"]);
        let goes_on = RunHead { status: RunStatus::Running, ..head() };
        assert_eq!(told(&hooks, &events, &goes_on), [""; 0]);
    }

    #[test]
    fn a_question_is_told_while_it_is_open() {
        let question = |number| Question {
            id: QuestionId::from_bytes([number; 16]),
            prompt: "May it?".into(),
            schema: None,
            deadline: None,
            assignee: None,
            note: None,
            escalation: None,
            request: RequestHash([0; 16]),
        };
        let task = TaskId::from_bytes([7; 16]);
        let both = Waiting::Questions(vec![question(1), question(2), question(3)]);
        let events = [event(EventKind::TaskSuspended { task, waiting: both })];
        let node: NodeId = "approve".parse().unwrap();
        let open = |number| WaitingFor {
            task: Some(task),
            node: Some(node.clone()),
            waiting: WaitReason::Question(question(number)),
        };
        let head = RunHead { waiting_for: vec![open(1), open(2)], ..head() };
        let hooks = [hook("all", &HookEvent::ALL, None)];
        let all = deliveries(&hooks, Seq(3), &events, &head, 10_000);
        assert_eq!(all.len(), 2);
        assert_ne!(all[0].id, all[1].id);
        assert_eq!(
            (&all[0].data["node"], &all[0].data["prompt"]),
            (&json!("approve"), &json!("May it?"))
        );
    }
}
