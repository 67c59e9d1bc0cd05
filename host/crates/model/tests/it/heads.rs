//! The row of a run, projected from its events.

use wforge_model::effect::{Question, RequestHash, Waiting, question_id};
use wforge_model::event::{AnsweredBy, EventKind, PlannedTask, RunEvent};
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::{RunId, TaskId, Timestamp};

fn task(n: u8) -> TaskId {
    TaskId::from_bytes([n; 16])
}

fn project(head: &mut RunHead, kind: EventKind) -> RunStatus {
    head.project(&RunEvent { at: Timestamp(1), kind });
    head.status
}

fn asks(n: u8) -> EventKind {
    let question = Question {
        id: question_id(task(n), 0),
        prompt: "go on?".into(),
        schema: None,
        deadline: None,
        request: RequestHash([0; 16]),
    };
    EventKind::TaskSuspended { task: task(n), waiting: Waiting::Question(question) }
}

#[test]
fn a_run_waits_only_once_every_open_task_does() {
    let mut head = RunHead::new("acme".parse().unwrap(), RunId::from_bytes([1; 16]));
    let planned = |n| PlannedTask { id: task(n), node: "a".parse().unwrap(), send: None };
    let step = EventKind::StepPlanned { step: 1, tasks: vec![planned(1), planned(2)] };
    assert_eq!(project(&mut head, step), RunStatus::Running);
    assert_eq!(project(&mut head, asks(1)), RunStatus::Running);
    assert_eq!(project(&mut head, asks(2)), RunStatus::Waiting);
    assert_eq!(head.questions().count(), 2);
    let answered = EventKind::QuestionAnswered {
        task: task(1),
        question: question_id(task(1), 0),
        answer: None,
        by: AnsweredBy::Deadline,
    };
    assert_eq!(project(&mut head, answered), RunStatus::Running);
    assert_eq!(head.questions().count(), 1);
    assert_eq!(
        project(&mut head, EventKind::RunCancelled { reason: "enough".into() }),
        RunStatus::Cancelled
    );
    assert_eq!((head.questions().count(), head.seq.0), (0, 5));
}

#[test]
fn an_answer_of_null_is_an_answer() {
    let answered = |answer| EventKind::QuestionAnswered {
        task: task(1),
        question: question_id(task(1), 0),
        answer,
        by: AnsweredBy::Start,
    };
    for kind in [answered(None), answered(Some(serde_json::Value::Null))] {
        let text = serde_json::to_string(&kind).unwrap();
        assert_eq!(serde_json::from_str::<EventKind>(&text).unwrap(), kind, "{text}");
    }
}
