//! `wforge check`: what a host may require of a component.

use wforge_model::limits::SandboxLimits;

use super::args::CheckArgs;
use super::refusal::EXIT_FAILED;
use super::subject;
use super::ui::{Paint, Ui, harmless};
use crate::author::check::{self, CheckReport, Verdict};
use crate::author::machine::Machine;
use crate::author::sandbox::Sandbox;
use crate::author::suite;

/// `wforge check`.
pub(crate) async fn run(ui: &Ui, machine: Machine, args: &CheckArgs) -> anyhow::Result<u8> {
    let subject = subject::of(ui, machine, &args.path, &args.subject).await?;
    let cases = suite::read_all(&subject.cases)?;
    let sandbox = Sandbox::for_component(&subject.component, &SandboxLimits::default())?;
    let report = check::run(sandbox, subject.bytes, &cases).await?;
    if ui.is_json() {
        ui.out_json(&report)?;
    } else {
        print(ui, &report);
    }
    Ok(if report.passed { 0 } else { EXIT_FAILED })
}

fn print(ui: &Ui, report: &CheckReport) {
    if let Some(component) = &report.component {
        let title = format!("{}@{}", component.name, component.version);
        ui.out(&format!("{}  {}", ui.paint(Paint::Bold, &title), component.digest));
    }
    for check in &report.checks {
        let (paint, word) = match check.result {
            Verdict::Passed => (Paint::Green, "passed "),
            Verdict::Failed => (Paint::Red, "FAILED "),
            Verdict::Skipped => (Paint::Yellow, "skipped"),
        };
        let reason = harmless(&check.reason);
        ui.out(&format!("{}  {:14}  {reason}", ui.paint(paint, word), check.name));
        for detail in &check.details {
            ui.out(&format!("           {}", harmless(detail)));
        }
    }
    let count = |verdict| report.checks.iter().filter(|check| check.result == verdict).count();
    ui.out(&format!(
        "{} passed, {} failed, {} skipped",
        count(Verdict::Passed),
        count(Verdict::Failed),
        count(Verdict::Skipped)
    ));
}
