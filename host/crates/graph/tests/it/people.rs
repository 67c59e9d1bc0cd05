//! Questions of `ask` nodes.

use expect_test::expect;
use wforge_graph::head_of;
use wforge_model::command::Fact;
use wforge_model::effect::Question;

use crate::harness::{Bench, Start, check};

fn ask(more: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {{}}, n: {{ default: 3 }} }}
input: []
output: [x]
nodes:
  a: {{ ask: {{ prompt: 'Publish {{{{ state.n }}}} pages?', schema: {{ type: boolean }}{more} }}, out: {{ x: result }} }}
edges: [{{ from: START, to: a }}]
"
    )
}

#[test]
fn a_question_waits_until_somebody_answers() {
    let mut bench = Bench::begin(&ask(""), "", Start::default());
    bench.drain();
    assert_eq!(bench.run.standing().as_str(), "waiting");
    bench.say("true");
    expect![[r#"
        step 1: a
          asks: Publish 3 pages?
          answered: true by Person("ada")
        completed: {"x":true}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_question_says_until_when_and_what_an_answer_must_fit() {
    let bench = Bench::begin(&ask(", deadline: 1h"), "", Start::default());
    let head = head_of(&"acme".parse().unwrap(), &bench.run);
    let (task, question) = head.questions().next().unwrap();
    assert_eq!(task, bench.run.tasks()[0].id);
    assert_eq!(question.schema, Some(serde_json::json!({ "type": "boolean" })));
    assert_eq!(question.deadline, Some(bench.now.after_ms(3_600_000)));
}

#[test]
fn a_run_waits_only_once_every_open_task_does() {
    let text = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { ask: { prompt: 'First?' }, out: { log: [result] } }
  b: { ask: { prompt: 'Second?' }, out: { log: [result] } }
  c: { agent: t/c, in: {}, out: { log: [\"'c'\"] } }
edges: [{ from: START, to: [a, b, c] }]
";
    let mut bench = Bench::begin(text, "", Start::default());
    let row = |bench: &Bench| {
        let head = head_of(&"acme".parse().unwrap(), &bench.run);
        let prompts: Vec<String> =
            head.questions().map(|(_, asked)| asked.prompt.clone()).collect();
        format!("{}, open {}: {}", head.status.as_str(), head.tasks_open, prompts.join(" "))
    };
    expect!["running, open 3: First? Second?"].assert_eq(&row(&bench));
    bench.drain();
    expect!["waiting, open 2: First? Second?"].assert_eq(&row(&bench));
    bench.say_to("First?", "1");
    expect!["waiting, open 1: Second?"].assert_eq(&row(&bench));
    bench.say_to("Second?", "2");
    expect!["completed, open 0: "].assert_eq(&row(&bench));
    expect![[r#"
        step 1: a, b, c
          asks: First?
          asks: Second?
          answered: 1 by Person("ada")
          answered: 2 by Person("ada")
        completed: {"log":[1,2,"c"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn an_answer_that_was_given_at_the_start_is_taken_at_once() {
    check(
        &ask(""),
        "",
        Start { answers: r#"{"a":false}"#, ..Start::default() },
        &expect![[r#"
            step 1: a
              asks: Publish 3 pages?
              answered: false by Start
            completed: {"x":false}
        "#]],
    );
}

#[test]
fn a_deadline_that_is_due_counts_before_a_later_answer() {
    let text = ask(", deadline: 10m, on_deadline: { answer: false }");
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.drain();
    bench.now = bench.now.after_ms(600_000);
    bench.say("true");
    expect![[r#"
        step 1: a
          asks: Publish 3 pages?
          answered: nothing by Deadline
        completed: {"x":false}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_deadline_without_an_answer_of_its_own_fails_the_task() {
    let mut bench = Bench::begin(&ask(", deadline: 10m"), "", Start::default());
    bench.drain();
    bench.wait();
    expect![[r#"
        step 1: a
          asks: Publish 3 pages?
          after 600000 ms
          answered: nothing by Deadline
          failed for good, upstream (deadline): nobody answered before the deadline; write ask.on_deadline
        failed: deadline: node a failed: upstream (deadline): nobody answered before the deadline; write ask.on_deadline
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_question_that_nobody_answers_becomes_somebody_elses_once_and_keeps_its_deadline() {
    let text = ask(", assignee: ann, deadline: 10m, escalate: { after: 4m, to: bob }");
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.drain();
    bench.wait();
    assert_eq!(open(&bench).assignee.as_deref(), Some("bob"));
    bench.tell(assign(&bench, Some("cid")));
    bench.tell(assign(&bench, Some("cid")));
    bench.wait();
    expect![[r#"
        step 1: a
          asks: Publish 3 pages?
          after 240000 ms
          put to bob by Escalation
          put to cid by Person("ada")
          after 360000 ms
          answered: nothing by Deadline
          failed for good, upstream (deadline): nobody answered before the deadline; write ask.on_deadline
        failed: deadline: node a failed: upstream (deadline): nobody answered before the deadline; write ask.on_deadline
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_question_that_is_answered_cannot_be_put_to_anybody() {
    let mut bench = Bench::begin(&ask(""), "", Start::default());
    bench.drain();
    let late = assign(&bench, Some("bob"));
    bench.say("true");
    bench.tell(late);
    assert!(!bench.story().contains("put to"));
}

fn open(bench: &Bench) -> Question {
    let head = head_of(&"test".parse().unwrap(), &bench.run);
    head.questions().next().expect("an open question").1.clone()
}

fn assign(bench: &Bench, to: Option<&str>) -> Fact {
    let question = open(bench).id;
    Fact::Assign { question, assignee: to.map(str::to_owned), note: None, by: "ada".into() }
}

#[test]
fn a_cancelled_run_takes_no_answer() {
    let mut bench = Bench::begin(&ask(""), "", Start::default());
    bench.drain();
    let (reason, by) = ("not needed".into(), "ada".into());
    bench.tell(Fact::Cancel { reason, by, roll_back: false });
    bench.say("true");
    expect![[r#"
        step 1: a
          asks: Publish 3 pages?
        cancelled: not needed
    "#]]
    .assert_eq(&bench.story());
}

const TWO: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: result } }
edges: [{ from: START, to: a }]
";

#[test]
fn an_agent_may_ask_several_questions_at_once_and_goes_on_when_all_are_answered() {
    let script = "a: asks First? | Second?";
    let mut bench = Bench::begin(TWO, script, Start::default());
    bench.drain();
    let open = |bench: &Bench| {
        let head = head_of(&"acme".parse().unwrap(), &bench.run);
        let asked = head.questions().map(|(_, asked)| asked.prompt.clone());
        format!("{} {}", head.status.as_str(), asked.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(open(&bench), "waiting First? Second?");
    bench.say_to("Second?", "2");
    assert_eq!(open(&bench), "waiting First?");
    bench.restart();
    bench.say_to("First?", "1");
    expect![[r#"
        step 1: a
          asks: First? and Second?
          answered: 2 by Person("ada")
          restarted
          answered: 1 by Person("ada")
        completed: {"log":[1,2]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn the_deadline_of_one_of_several_questions_leaves_the_others_open() {
    let mut bench = Bench::begin(TWO, "a: asks First? | Second?", Start::default());
    bench.drain();
    bench.wait();
    assert_eq!(bench.run.standing().as_str(), "waiting");
    bench.say_to("First?", "1");
    expect![[r#"
        step 1: a
          asks: First? and Second?
          after 60000 ms
          answered: nothing by Deadline
          answered: 1 by Person("ada")
        completed: {"log":[1,null]}
    "#]]
    .assert_eq(&bench.story());
}
