//! `wforge runs list|receipt|report`: asked of the API, here or there, so that both say the same.

use std::path::Path;

use serde_json::Value;
use wforge_model::RunId;
use wforge_model::head::RunHead;
use wforge_view::duration;

use super::Session;
use super::admin::{text_of, with_control};
use super::args::WhichRuns;
use super::runs::millis;
use super::ui::{Ui, columns, harmless};
use crate::client::{Control, in_query};

impl WhichRuns {
    /// As the query of the API's list.
    fn query(&self) -> String {
        let mut query = String::new();
        let mut add = |name: &str, value: &str| {
            let and = if query.is_empty() { '?' } else { '&' };
            query.push_str(&format!("{and}{name}={}", in_query(value)));
        };
        let joined = |list: &[String]| (!list.is_empty()).then(|| list.join(","));
        let fields = [
            ("status", joined(&self.status)),
            ("workflow", self.workflow.clone()),
            ("thread", self.thread.clone()),
            ("label", joined(&self.labels)),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("degraded", self.degraded.then(|| "true".to_owned())),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                add(name, &value);
            }
        }
        query
    }

    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.query().is_empty()
    }

    /// The path of the list.
    pub(super) fn path(&self) -> String {
        format!("/v1/runs{}", self.query())
    }
}

/// `wforge runs list`.
pub(super) async fn list(session: &Session, limit: usize, which: &WhichRuns) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let path = which.path();
    let found =
        with_control(session, async |control: &Control| control.first(&path, limit).await).await?;
    let heads: Vec<RunHead> = serde_json::from_value(found.into())?;
    if ui.is_json() {
        ui.out_json(&heads)?;
        return Ok(0);
    }
    print_heads(ui, &heads);
    if heads.is_empty() {
        ui.note("no runs");
    }
    Ok(0)
}

/// Rows of runs, a line each.
pub(super) fn print_heads(ui: &Ui, heads: &[RunHead]) {
    let row = |head: &RunHead| {
        let degraded = if head.degraded { "degraded" } else { "" };
        vec![
            head.run.to_string(),
            head.status.as_str().to_owned(),
            harmless(&format!("{}@{}", head.workflow, head.version)),
            head.started_at.to_string(),
            duration(millis(head)),
            degraded.to_owned(),
            harmless(&head.labels.to_string()),
        ]
    };
    let rows: Vec<Vec<String>> = heads.iter().map(row).collect();
    columns(&rows).iter().for_each(|line| ui.out(line));
}

/// `wforge runs report`, and `wforge runs show --html`.
pub(super) async fn report(session: &Session, run: RunId, to: Option<&Path>) -> anyhow::Result<u8> {
    let path = format!("/v1/runs/{run}/report");
    let html = with_control(session, async |control: &Control| control.text(&path).await).await?;
    match to {
        Some(file) => {
            fs_err::write(file, html)?;
            session.ui.note(&format!("wrote {}", file.display()));
        }
        None => session.ui.out_text(&html),
    }
    Ok(0)
}

/// `wforge runs receipt`.
pub(super) async fn receipt(session: &Session, run: RunId) -> anyhow::Result<u8> {
    let ui = &session.ui;
    let path = format!("/v1/runs/{run}/receipt");
    let receipt = with_control(session, async |control: &Control| control.get(&path).await).await?;
    if ui.is_json() {
        ui.out_json(&receipt)?;
        return Ok(0);
    }
    let what = format!("{} {}", text_of(&receipt, "workflow"), text_of(&receipt, "status"));
    ui.out(&format!("{run}  {what}"));
    let titles = ["node", "tasks", "attempts", "time", "cpu", "memory", "host calls", "tokens"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    let nodes = receipt.get("nodes").and_then(Value::as_array).cloned().unwrap_or_default();
    rows.extend(nodes.iter().map(|node| spent(&text_of(node, "node"), node)));
    rows.extend(receipt.get("total").map(|total| spent("total", total)));
    columns(&rows).iter().for_each(|line| ui.out(line));
    Ok(0)
}

fn spent(name: &str, spent: &Value) -> Vec<String> {
    let number = |field: &str| spent.pointer(field).and_then(Value::as_u64).unwrap_or(0);
    let of_calls = |field: &str| {
        let calls = spent.get("host_calls").and_then(Value::as_object);
        let counts = calls.into_iter().flat_map(|calls| calls.values());
        counts.filter_map(|call| call.get(field).and_then(Value::as_u64)).sum::<u64>()
    };
    let (calls, failed) = (of_calls("calls"), of_calls("failed"));
    let failed = if failed > 0 { format!(" ({failed} failed)") } else { String::new() };
    let tokens = (number("/models/input_tokens"), number("/models/output_tokens"));
    vec![
        name.to_owned(),
        number("/tasks").to_string(),
        number("/attempts").to_string(),
        duration(number("/ms")),
        format!("{} ms", number("/cpu_us").div_ceil(1_000)),
        format!("{} KiB", number("/memory_bytes_peak") / 1_024),
        format!("{calls}{failed}"),
        format!("{} in, {} out", tokens.0, tokens.1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_become_the_query_of_the_list() {
        let which = WhichRuns {
            status: vec!["failed".into(), "blocked".into()],
            labels: vec!["team=search & more".into()],
            degraded: true,
            ..WhichRuns::default()
        };
        let expected = "/v1/runs?status=failed%2Cblocked&label=team%3Dsearch%20%26%20more\
                        &degraded=true";
        assert_eq!(which.path(), expected);
        assert!(WhichRuns::default().is_empty());
    }
}
