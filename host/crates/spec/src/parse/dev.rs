//! `dev.yaml`, what `wforge dev` runs a project with: the tree of a text to [`DevFile`], with every
//! problem at once.

use std::collections::BTreeMap;

use serde_json::Value;

use super::reader::{Fields, Form, Reader};
use super::tree::Node;
use super::{Report, in_order, reports, scan};

const FILE: Form = Form {
    what: "dev.yaml",
    fields: &["workflow", "input", "answers", "context", "grants"],
    later: &[],
};

/// What a project is run with while it is written. Everything may be left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct DevFile {
    /// The workflow's file, relative to the project.
    pub workflow: Option<String>,
    /// The input keys.
    pub input: BTreeMap<String, Value>,
    /// Answers given beforehand, by the node that asks.
    pub answers: BTreeMap<String, Value>,
    /// Read-only JSON that expressions see as `context`.
    pub context: Option<Value>,
    /// What the plugin may do; none: all that it needs.
    pub grants: Option<Vec<String>>,
}

/// Reads a `dev.yaml`.
///
/// # Errors
/// Every problem of the text, in the order of the lines.
pub fn read(file_name: &str, text: &str) -> Result<DevFile, Vec<Report>> {
    let says_nothing = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
    if text.lines().all(says_nothing) {
        return Ok(DevFile::default());
    }
    let (root, flaws) = scan::scan(text).map_err(|flaw| reports(file_name, vec![flaw]))?;
    let mut reader = Reader { flaws };
    match file(&mut reader, &root) {
        Some(file) if reader.flaws.is_empty() => Ok(file),
        _ => Err(in_order(reports(file_name, reader.flaws))),
    }
}

fn file(reader: &mut Reader, root: &Node) -> Option<DevFile> {
    let fields = reader.fields(root, &FILE)?;
    let workflow = fields.get("workflow").and_then(|node| reader.text(node, "workflow"));
    let grants = fields.get("grants").map(|node| {
        let items = reader.list(node, "grants").unwrap_or_default();
        let texts = items.iter().filter_map(|item| reader.text(item, "an entry of grants"));
        texts.map(ToOwned::to_owned).collect()
    });
    Some(DevFile {
        workflow: workflow.map(ToOwned::to_owned),
        input: values(reader, &fields, "input"),
        answers: values(reader, &fields, "answers"),
        context: fields.get("context").map(Node::json),
        grants,
    })
}

fn values(reader: &mut Reader, fields: &Fields<'_>, field: &str) -> BTreeMap<String, Value> {
    let node = fields.get(field);
    let entries = node.and_then(|node| reader.map(node, field)).unwrap_or_default();
    entries.iter().map(|entry| (entry.key.clone(), entry.value.json())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_may_be_left_out() {
        assert_eq!(read("dev.yaml", "# nothing\n").unwrap(), DevFile::default());
        assert_eq!(read("dev.yaml", "").unwrap(), DevFile::default());
    }

    #[test]
    fn what_is_written_is_taken() {
        let text = "workflow: other.yaml\ninput: { text: hi, n: 3 }\nanswers: { ok: \"yes\" }\n\
                    grants: [\"kv:run\"]\n";
        let file = read("dev.yaml", text).unwrap();
        assert_eq!(file.workflow.as_deref(), Some("other.yaml"));
        assert_eq!(
            file.input,
            BTreeMap::from([("n".to_owned(), json!(3)), ("text".to_owned(), json!("hi")),])
        );
        assert_eq!(file.grants, Some(vec!["kv:run".to_owned()]));
    }

    #[test]
    fn a_field_that_is_unknown_is_named_with_its_place_and_the_nearest() {
        let problems = read("dev.yaml", "inputs: { a: 1 }\n").unwrap_err();
        let problem = problems.first().unwrap();
        assert_eq!((problem.line, problem.column), (1, 1));
        assert_eq!(problem.help.as_deref(), Some("did you mean \"input\"?"));
    }
}
