//! What a restart keeps: everything that was acknowledged, and no finished task runs again.

use serde_json::json;
use wforge_engine::{AnswerGiven, AnswerTo, WaitFor};
use wforge_model::head::RunStatus;

use crate::harness::{Answer, CHAIN, World, ok, request, tenant};

#[tokio::test]
async fn a_run_goes_on_from_its_last_step_and_repeats_no_finished_task() {
    let world = World::new(|call| match call.node.as_str() {
        "a" => ok(call),
        _ => Answer::Hang,
    });
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.until(|world| world.calls() == ["a", "b"]).await;
    let world = world.restart(ok).await;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    assert_eq!(world.calls(), ["b", "c"]);
}

#[tokio::test]
async fn siblings_that_had_finished_are_not_called_again() {
    let wide = "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: { n: item }, out: { log: [item] } }
edges: [{ from: START, each: '[1,2,3]', as: item, to: a }]
";
    let world = World::new(|call| match call.input["n"].as_i64() {
        Some(2) => Answer::Hang,
        _ => ok(call),
    });
    let run = world.handle.start(&tenant(), request(wide)).await.unwrap().run;
    world.until(|world| world.handle.figures().tasks_live == 2).await;
    let world = world.restart(ok).await;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    assert_eq!(world.calls().len(), 1);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.output.unwrap()["log"], json!([1, 2, 3]));
}

#[tokio::test]
async fn a_run_that_waits_is_not_in_memory_and_wakes_at_its_deadline() {
    let ask = "
state: { x: {} }
input: []
output: [x]
nodes:
  approve: { ask: { prompt: 'Go on?', deadline: 24h, on_deadline: { answer: false } }, out: { x: result } }
edges: [{ from: START, to: approve }]
";
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(ask)).await.unwrap().run;
    world.until(|world| world.handle.figures().runs_live == 0).await;
    let world = world.restart(ok).await;
    world.idle().await;
    world.advance(24 * 3_600_000);
    let mut head = world.handle.head(&tenant(), run).await.unwrap();
    for _ in 0..10_000 {
        if head.status.is_final() {
            break;
        }
        tokio::task::yield_now().await;
        head = world.handle.head(&tenant(), run).await.unwrap();
    }
    assert_eq!(head.status, RunStatus::Completed);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.output.unwrap()["x"], json!(false));
}

#[tokio::test]
async fn an_answer_wakes_a_run_that_nobody_has_in_memory() {
    let ask = "
state: { x: {} }
input: []
output: [x]
nodes:
  approve: { ask: { prompt: 'Go on?' }, out: { x: result } }
edges: [{ from: START, to: approve }]
";
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(ask)).await.unwrap().run;
    world.until(|world| world.handle.figures().runs_live == 0).await;
    let world = world.restart(ok).await;
    let node = "approve".parse().unwrap();
    let answer = AnswerGiven { to: AnswerTo::Node(node), answer: json!(7) };
    world.handle.resume(&tenant(), run, vec![answer], "ada").await.unwrap();
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_long_run_is_loaded_from_its_snapshot() {
    let counting = "
state: { n: { default: 0 } }
input: []
output: [n]
nodes:
  a: { agent: t/a, in: {}, out: { n: state.n + 1 } }
edges:
  - { from: START, to: a }
  - { from: a, branch: [{ when: state.n < 150, to: a }, { to: END }] }
";
    let world = World::new(|call| if call.step == 140 { Answer::Hang } else { ok(call) });
    let run = world.handle.start(&tenant(), request(counting)).await.unwrap().run;
    world.until(|world| world.calls().len() == 140).await;
    let world = world.restart(ok).await;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    assert_eq!(world.calls().len(), 11);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.output.unwrap()["n"], json!(150));
}
