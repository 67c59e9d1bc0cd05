//! What flags mean, by table.

use expect_test::{Expect, expect};

use super::{Flags, Parts, read};
use crate::cli::refusal::Refusal;

const WORKFLOW: &str = "
apiVersion: workflowforge/v1
name: t
version: 1.0.0
state:
  document: { schema: { type: string } }
  count: { schema: { type: integer } }
  list: { schema: { type: array } }
  any: {}
  approval: {}
  file: { schema: { type: object, properties: { $blob: { type: string } } } }
  report: {}
input: [document, count, list, any, file]
output: [report]
nodes:
  scan: { agent: acme/scan, in: { text: state.document }, out: { report: result } }
  set: { set: { report: '1' } }
  approve:
    ask:
      prompt: Publish?
      schema:
        type: object
        required: [approve]
        properties: { approve: { type: boolean } }
    out: { approval: result }
  part: { workflow: inner, out: { report: result.title } }
  far: { workflow: elsewhere, out: { report: result.title } }
edges:
  - { from: START, to: scan }
limits: { state_bytes_max: 65536 }
";

const INNER: &str = "
apiVersion: workflowforge/v1
name: inner
version: 1.0.0
state: { title: { schema: { type: integer } } }
input: []
output: [title]
nodes:
  title: { ask: { prompt: 'Which?', schema: { type: integer } }, out: { title: result } }
  scan: { agent: acme/scan, out: { title: result } }
edges: [{ from: START, to: title }]
";

fn check(inputs: &[&str], answers: &[&str], mocks: &[&str], expected: &Expect) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| fs_err::write(folder.path().join(name), bytes).unwrap();
    file("a.txt", b"[1, 2]");
    file("a.json", b"[1, 2]");
    file("bad.json", b"[1, 2");
    file("bytes", b"ab\xff");
    file("large", &vec![b'x'; 70_000]);
    let in_folder = |flags: &[&str]| -> Vec<String> {
        flags.iter().map(|f| f.replace("DIR", &folder.path().to_string_lossy())).collect()
    };
    let (inputs, answers, mocks) = (in_folder(inputs), in_folder(answers), in_folder(mocks));
    let draft = wforge_spec::parse("t", WORKFLOW).unwrap().draft;
    let (inputs, answers, mocks) = (&inputs, &answers, &mocks);
    let flags = Flags { inputs, answers, mocks, context: None, state_bytes_max: 65_000 };
    let inner = wforge_spec::parse("inner", INNER).unwrap().draft;
    let text = match read(Parts { root: &draft, others: &[inner] }, flags) {
        Ok(given) => format!(
            "{} {} {}\n",
            serde_json::to_string(&given.input).unwrap(),
            serde_json::to_string(&given.answers).unwrap(),
            serde_json::to_string(&given.mocks).unwrap()
        ),
        Err(error) => {
            let refusal = error.downcast::<Refusal>().unwrap();
            let lines = std::iter::once(refusal.message).chain(refusal.details);
            lines.map(|line| line + "\n").collect()
        }
    };
    expected.assert_eq(&text.replace(&*folder.path().to_string_lossy(), "DIR"));
}

#[test]
fn an_input_is_read_by_its_schema() {
    check(
        &["document=12", "count=12", "any=12"],
        &[],
        &[],
        &expect![[r#"
        {"any":"12","count":12,"document":"12"} {} {}
    "#]],
    );
    check(
        &["document=@DIR/a.json", "list=@DIR/a.json"],
        &[],
        &[],
        &expect![[r#"
        {"document":"[1, 2]","list":[1,2]} {} {}
    "#]],
    );
    check(
        &["list=@DIR/a.txt", "any=@DIR/a.txt"],
        &[],
        &[],
        &expect![[r#"
        {"any":"[1, 2]","list":[1,2]} {} {}
    "#]],
    );
    check(
        &["any=@DIR/a.json"],
        &[],
        &[],
        &expect![[r#"
        {"any":[1,2]} {} {}
    "#]],
    );
}

#[test]
fn an_answer_fills_the_only_required_property() {
    check(
        &[],
        &["approve=yes"],
        &["scan", "approve=DIR/a.json"],
        &expect![[r#"
        {} {"approve":{"approve":true}} {"approve":{"answer":[1,2]},"scan":null}
    "#]],
    );
}

#[test]
fn every_wrong_flag_is_named_at_once() {
    check(
        &["docment=x", "count=many", "document", "list=@DIR/bad.json", "file=text"],
        &["aprove=yes", "scan=yes", "approve"],
        &["skan", "set", "scan=DIR/none.json"],
        &expect![[r#"
            11 flags are wrong
            --input docment: there is no input key "docment"; did you mean document?
            --input count: "many" is no integer
            --input document: write KEY=text, KEY=@FILE or KEY=-
            --input list: DIR/bad.json is no JSON: EOF while parsing a list at line 1 column 5
            --input file: give a file: file=@FILE
            --answer aprove: there is no node that asks "aprove"; did you mean approve?
            --answer scan: there is no node that asks "scan"; known: approve
            --answer approve: write NODE=VALUE
            --mock skan: there is no node "skan"; did you mean scan?
            --mock set: a set node needs no mock
            --mock scan: failed to open file `DIR/none.json`: No such file or directory (os error 2)
        "#]],
    );
}

#[test]
fn what_is_no_text_or_too_long_or_a_folder_is_named() {
    check(
        &["document=@DIR/bytes"],
        &[],
        &[],
        &expect![[r#"
            --input document: DIR/bytes is no text: byte 2 is not UTF-8; a key whose schema is a blob takes any file
        "#]],
    );
    check(
        &["document=@DIR/large"],
        &[],
        &[],
        &expect![[r#"
        --input document: DIR/large has more than the 65536 bytes that are read here; the workflow's limits.state_bytes_max says how much its state may hold
    "#]],
    );
    check(
        &["document=@DIR"],
        &[],
        &[],
        &expect![[r#"
            --input document: DIR is a folder; name a file
        "#]],
    );
    check(
        &["document=a", "document=b"],
        &[],
        &[],
        &expect![[r#"
        --input document: given twice
    "#]],
    );
}

#[test]
fn a_path_leads_through_the_workflows_that_are_at_hand() {
    check(
        &[],
        &["part/title=7"],
        &["part/scan=DIR/a.json"],
        &expect![[r#"
            {} {"part/title":7} {"part/scan":{"output":[1,2]}}
        "#]],
    );
    check(
        &[],
        &["part/titel=7", "part/scan=7", "scan/title=7", "far/title=7"],
        &["part", "part/nobody"],
        &expect![[r#"
            6 flags are wrong
            --answer part/titel: there is no node "titel"; did you mean title?
            --answer part/scan: it asks nothing
            --answer scan/title: scan runs no workflow
            --answer the workflow elsewhere is not at hand
            --mock part: it runs a workflow; mock the agents inside that one, part/NODE
            --mock part/nobody: there is no node "nobody"; known: scan, title
        "#]],
    );
}
