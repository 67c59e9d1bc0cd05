//! What a run used of models, by model and by node.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wforge_engine::RunView;
use wforge_model::{ModelUsage, Usage};

use super::{Paths, ROWS_MAX, left_out};
use crate::html::escape;

/// The tables; nothing where no model was asked.
pub(super) fn models(out: &mut String, report: &RunView, paths: &Paths<'_>) {
    let whole = &report.head.usage;
    if whole.total.calls == 0 {
        return;
    }
    out.push_str("<h2>Models</h2>");
    table(out, "Model", whole.models.iter().map(|(model, used)| (model.as_str(), used)));
    let mut nodes: BTreeMap<String, Usage> = BTreeMap::new();
    for task in report.tasks.iter().filter(|task| task.usage.total.calls > 0) {
        nodes.entry(paths.of(task.task)).or_default().add(&task.usage);
    }
    table(out, "Node", nodes.iter().map(|(path, usage)| (path.as_str(), &usage.total)));
}

fn table<'a>(
    out: &mut String,
    what: &str,
    rows: impl ExactSizeIterator<Item = (&'a str, &'a ModelUsage)>,
) {
    let count = rows.len();
    let _ = write!(
        out,
        "<table><tr><th>{what}</th><th>Calls</th><th>Failed</th><th>Tokens in</th>\
         <th>Tokens out</th></tr>"
    );
    for (name, used) in rows.take(ROWS_MAX) {
        let ModelUsage { calls, failed, input_tokens, output_tokens } = used;
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{calls}</td><td>{failed}</td><td>{input_tokens}</td>\
             <td>{output_tokens}</td></tr>",
            escape(name)
        );
    }
    out.push_str("</table>");
    left_out(out, count);
}
