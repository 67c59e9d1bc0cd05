//! What `wforge dev` prints: for people the story on stderr and outputs on stdout, with `--output
//! json` one object a line.

use std::time::Duration;

use serde_json::{Value, json};
use wforge_model::head::RunStatus;
use wforge_model::manifest::Manifest;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Capability, RunId};
use wforge_view::duration;

use super::super::result::{place_in_file, print_output, result_json, summary};
use super::super::ui::{Paint, Ui, error_json, harmless};
use crate::author::build::{Built, Stage};
use crate::client::{QuestionRow, Report};

/// How to print. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Say {
    pub(super) ui: Ui,
}

impl Say {
    pub(super) fn new(ui: &Ui) -> Self {
        // Plugins' lines are what one looks at here; as JSON they are events.
        Self { ui: ui.clone().with_lines(!ui.is_json()) }
    }

    /// One event, to whoever reads JSON; whether it was one.
    fn event(&self, event: &str, fields: Value) -> bool {
        if !self.ui.is_json() {
            return false;
        }
        let mut line = json!({ "event": event });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, fields) {
            line.extend(fields);
        }
        self.ui.out(&line.to_string());
        true
    }

    fn dim(&self, line: &str) {
        self.ui.note(&self.ui.paint(Paint::Dim, line));
    }

    pub(super) fn watching(&self, name: &str, folder: &str) {
        if !self.event("watching", json!({ "plugin": name, "folder": folder })) {
            self.dim(&format!("watching {folder} ({name}); ctrl-C ends"));
        }
    }

    pub(super) fn stage(&self, stage: Stage) {
        if !self.ui.is_json() {
            self.ui.status(&format!("{} …", stage.name()));
        }
    }

    pub(super) fn said(&self, text: &str) {
        if !self.event("build_said", json!({ "text": text })) {
            text.lines().for_each(|line| self.ui.note(&harmless(line)));
        }
    }

    pub(super) fn built(&self, built: &Built, ms: u64) {
        let Manifest { name, version, .. } = &built.manifest;
        let stages = |shown: &dyn Fn(Stage, Duration) -> String| -> Vec<String> {
            built.stages.iter().map(|(stage, took)| shown(*stage, *took)).collect()
        };
        let of_ms = |took: Duration| u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if self.ui.is_json() {
            let stages: serde_json::Map<String, Value> = built
                .stages
                .iter()
                .map(|(stage, took)| (stage.name().to_owned(), of_ms(*took).into()))
                .collect();
            let (component, bytes) = (&built.component, built.bytes);
            self.event(
                "built",
                json!({
                    "plugin": name, "version": version, "component": component, "bytes": bytes,
                    "ms": ms, "stages_ms": stages,
                }),
            );
            return;
        }
        let stages = stages(&|stage, took| format!("{} {}", stage.name(), duration(of_ms(took))));
        let (kib, stages) = (built.bytes.div_ceil(1024), stages.join(", "));
        let took = duration(ms);
        self.ui.note(&format!("built {name} {version}, {kib} KiB, in {took} ({stages})"));
    }

    /// Why there is no new component; the one before serves on.
    pub(super) fn build_failed(&self, error: &anyhow::Error, serves: Option<&Manifest>) {
        let serves = serves.map(|manifest| format!("{} {}", manifest.name, manifest.version));
        let mut fields = error_json(error);
        if let Value::Object(fields) = &mut fields {
            fields.insert("serves".to_owned(), serves.clone().into());
        }
        if self.event("build_failed", fields) {
            return;
        }
        self.ui.error(error);
        match serves {
            Some(serves) => self.dim(&format!("{serves} as it was serves on")),
            None => self.dim("nothing runs until this is mended"),
        }
    }

    /// Why nothing was run.
    pub(super) fn failed(&self, error: &anyhow::Error) {
        if !self.event("failed", error_json(error)) {
            self.ui.error(error);
        }
    }

    pub(super) fn started(&self, run: RunId, draft: &WorkflowDraft, granted: &[Capability]) {
        let workflow = format!("{}@{}", draft.name, draft.version);
        let granted: Vec<String> = granted.iter().map(ToString::to_string).collect();
        let fields = json!({ "run": run, "workflow": workflow, "granted": granted });
        if self.event("started", fields) {
            return;
        }
        let granted = if granted.is_empty() { "nothing".to_owned() } else { granted.join(", ") };
        self.dim(&format!("{run}  {workflow}  granted: {granted}"));
    }

    /// A line that the plugin wrote; text goes through the progress.
    pub(super) fn line(&self, node: &str, level: &str, message: &str) {
        self.event("log", json!({ "node": node, "level": level, "message": message }));
    }

    pub(super) fn emitted(&self, node: &str, topic: &str, payload: &Value) {
        let fields = json!({ "node": node, "topic": topic, "payload": payload });
        if !self.event("emitted", fields) {
            let payload = harmless(&payload.to_string());
            self.ui.note(&format!("{}  {}: {payload}", harmless(node), harmless(topic)));
        }
    }

    /// How a run ended, and how long after the save.
    pub(super) fn output(
        &self,
        report: &Report,
        draft: &WorkflowDraft,
        (run_ms, since_save_ms): (u64, u64),
    ) -> anyhow::Result<()> {
        let mut fields = serde_json::to_value(result_json(report))?;
        if let Value::Object(fields) = &mut fields {
            let ask = |(path, question): (String, &QuestionRow)| json!({ "node": path, "prompt": question.prompt });
            let questions: Vec<Value> = report.asked().into_iter().map(ask).collect();
            fields.insert("questions".to_owned(), questions.into());
            fields.insert("run_ms".to_owned(), run_ms.into());
            fields.insert("since_save_ms".to_owned(), since_save_ms.into());
            let error = report.head.error.as_ref().map(|error| error.message.clone());
            fields.insert("error".to_owned(), error.into());
        }
        if self.event("output", fields) {
            return Ok(());
        }
        summary(&self.ui, report, run_ms);
        if let Some(place) = place_in_file(&report.head) {
            self.ui.err(&format!("  at {}", harmless(&place)));
        }
        if report.head.status == RunStatus::Waiting {
            self.waits(report);
        }
        if let Some(output) = &report.output {
            print_output(&self.ui, output, draft)?;
        }
        self.dim(&format!("{} from the save to here", duration(since_save_ms)));
        Ok(())
    }

    /// The questions that nobody answers here.
    fn waits(&self, report: &Report) {
        for (path, question) in report.asked() {
            self.ui.err(&format!("{path} asks: {}", harmless(&question.prompt)));
            let help = self.ui.paint(Paint::Cyan, "help:");
            self.ui.err(&format!("{help} answers: {{ {path}: … }} in dev.yaml answers it"));
        }
    }

    pub(super) fn again(&self, run: RunId) {
        if !self.event("cancelled", json!({ "run": run })) {
            self.dim(&format!("{run}  cancelled: the project was saved again"));
        }
    }

    pub(super) fn stopped(&self) {
        if !self.event("stopped", json!({})) {
            self.ui.clear_status();
            self.dim("stopped");
        }
    }
}
