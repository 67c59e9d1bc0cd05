//! Events: what is written reads back.

use wforge_model::TaskId;
use wforge_model::effect::question_id;
use wforge_model::event::{AnsweredBy, EventKind};

#[test]
fn an_answer_of_null_is_an_answer() {
    let task = TaskId::from_bytes([1; 16]);
    let answered = |answer| EventKind::QuestionAnswered {
        task,
        question: question_id(task, 0),
        answer,
        by: AnsweredBy::Start,
    };
    for kind in [answered(None), answered(Some(serde_json::Value::Null))] {
        let text = serde_json::to_string(&kind).unwrap();
        assert_eq!(serde_json::from_str::<EventKind>(&text).unwrap(), kind, "{text}");
    }
}
