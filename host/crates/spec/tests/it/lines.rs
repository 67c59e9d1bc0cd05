//! The lines that are kept with a workflow: a failure of a run names its place, and they the line.

use std::fmt::Write as _;

use expect_test::expect;
use wforge_model::Lines;
use wforge_spec::parse;

fn everything() -> Lines {
    parse("everything.yaml", include_str!("everything.yaml")).expect("fine").lines("flow.yaml")
}

#[test]
fn each_expression_has_its_line() {
    let lines = everything();
    let mut told = String::new();
    for place in [
        "nodes.read.in.text",
        "nodes.read.out.parts.[result.id]",
        "nodes.read.out.log.overwrite",
        "nodes.ask.ask.prompt",
        "nodes.mend.set.log.0",
        "nodes.play.mock.script.0.set.b.c.0",
        "nodes.play.mock.script.2.concat.e",
        "nodes.play.mock.script.7.send.input.n",
        "nodes.play.mock.script.9.interrupt_each",
        "edges.1.each",
        "edges.5.branch.0.when",
        "edges.5.branch",
        // Those that the file does not write are as the nearest one around them.
        "nodes.play.mock.script.0.set.z.0.1",
        "nodes.done.out.x",
        "edges.6.branch.4",
        "nodes.nobody.in.x",
        "mocks.play.script.0.set.a",
    ] {
        let line = lines.locate(place).unwrap_or_else(|| "in no line".into());
        writeln!(told, "{place}: {line}").expect("text");
    }
    expect![[r#"
        nodes.read.in.text: flow.yaml:23:17
        nodes.read.out.parts.[result.id]: flow.yaml:24:36
        nodes.read.out.log.overwrite: flow.yaml:24:64
        nodes.ask.ask.prompt: flow.yaml:44:20
        nodes.mend.set.log.0: flow.yaml:40:24
        nodes.play.mock.script.0.set.b.c.0: flow.yaml:54:47
        nodes.play.mock.script.2.concat.e: flow.yaml:56:24
        nodes.play.mock.script.7.send.input.n: flow.yaml:61:43
        nodes.play.mock.script.9.interrupt_each: flow.yaml:63:27
        edges.1.each: flow.yaml:72:25
        edges.5.branch.0.when: flow.yaml:76:35
        edges.5.branch: flow.yaml:76:18
        nodes.play.mock.script.0.set.z.0.1: flow.yaml:54:11
        nodes.done.out.x: flow.yaml:69:3
        edges.6.branch.4: flow.yaml:77:5
        nodes.nobody.in.x: in no line
        mocks.play.script.0.set.a: in no line
    "#]]
    .assert_eq(&told);
}

#[test]
fn they_are_read_back_and_stay_small() {
    let lines = everything();
    let text = serde_json::to_string(&lines).expect("json");
    assert_eq!(serde_json::from_str::<Lines>(&text).expect("read"), lines);
    assert!(text.len() < 3 * include_str!("everything.yaml").len(), "{}", text.len());
}

#[test]
fn long_names_that_nest_do_not_multiply() {
    // Forty names of twenty thousand letters around a list of fifty thousand items.
    let open: String = (0..40).map(|_| format!("{{\"{}\": ", "n".repeat(20_000))).collect();
    let list = vec!["1"; 50_000].join(",");
    let text = format!(
        "{{\"apiVersion\": \"workflowforge/v1\", \"name\": \"t\", \"version\": \"1.0.0\", \
         \"nodes\": {{\"a\": {{\"set\": {{\"x\": {open}[{list}]{}}}}}}}, \
         \"edges\": [{{\"from\": \"START\", \"to\": \"a\"}}]}}",
        "}".repeat(40)
    );
    let lines = parse("w.json", &text).expect("fine").lines("w.json");
    let bytes: usize = lines.places.keys().map(String::len).sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    assert_eq!(lines.locate("nodes.a.set.x").as_deref(), Some("w.json:1:79"));
}
