//! `wforge test`: the cases of a plugin, in the real sandbox.

use wforge_model::limits::SandboxLimits;
use wforge_spec::suite::SUITE_SCHEMA;

use super::args::TestArgs;
use super::refusal::{EXIT_FAILED, Refusal};
use super::subject;
use super::ui::{Paint, Ui, harmless};
use crate::author::machine::Machine;
use crate::author::project::Subject;
use crate::author::sandbox::{Sandbox, refusal_of};
use crate::author::stage::Stage;
use crate::author::suite::{self, CaseReport, SuiteReport, Wanted, junit};

/// `wforge test`.
pub(crate) async fn run(ui: &Ui, machine: Machine, args: &TestArgs) -> anyhow::Result<u8> {
    if args.schema {
        ui.out_text(SUITE_SCHEMA);
        return Ok(0);
    }
    let subject = subject::of(ui, machine, &args.path, &args.subject).await?;
    let Subject { component, bytes, cases } = subject;
    let files = suite::read_all(&cases)?;
    if files.iter().all(|file| file.suite.cases.is_empty()) {
        let message = format!("there are no cases in {}", cases.display());
        let help =
            format!("write {}/first.yaml; wforge test --help has an example", cases.display());
        return Err(Refusal::user("no_cases", message).help(help).into());
    }
    let sandbox = Sandbox::for_component(&component, &SandboxLimits::default())?;
    let admitted = sandbox.admit(bytes).await.map_err(|error| refusal_of(error, &component))?;
    let stage = Stage::new(sandbox, admitted);
    let wanted = Wanted { filter: args.filter.as_deref(), update: args.update };
    let report = suite::run(&stage, &files, wanted, |case| tell(ui, case)).await?;
    if report.cases.is_empty() {
        let filter = args.filter.as_deref().unwrap_or_default();
        let message = format!("no case has \"{filter}\" in its name");
        return Err(Refusal::user("no_cases", message).into());
    }
    if let Some(path) = &args.junit {
        fs_err::write(path, junit::xml(&report)?)?;
    }
    end(ui, &report, args.filter.is_none())?;
    Ok(if report.failed == 0 { 0 } else { EXIT_FAILED })
}

/// A case that has ended.
fn tell(ui: &Ui, case: &CaseReport) {
    if ui.is_json() {
        return;
    }
    let name = harmless(&case.name);
    if case.passed {
        let cost = ui.paint(Paint::Dim, &format!("({})", case.cost.told()));
        ui.out(&format!("{}    {name}  {cost}", ui.paint(Paint::Green, "ok")));
    } else {
        let place = ui.paint(Paint::Dim, &format!("{}:{}", case.file, case.line));
        ui.out(&format!("{}  {name}  {place}", ui.paint(Paint::Red, "FAIL")));
    }
    for problem in &case.problems {
        ui.out(&format!("      {}", harmless(problem)));
    }
    for note in &case.notes {
        ui.out(&format!("      {}", ui.paint(Paint::Dim, &harmless(note))));
    }
}

fn end(ui: &Ui, report: &SuiteReport, is_whole: bool) -> anyhow::Result<()> {
    if ui.is_json() {
        return ui.out_json(report);
    }
    let unused = report.unused();
    if is_whole && !unused.is_empty() {
        let label = ui.paint(Paint::Yellow, "note:");
        ui.out(&format!("{label} no case uses {}", unused.join(", ")));
    }
    ui.out(&format!("{} passed, {} failed", report.passed, report.failed));
    Ok(())
}
