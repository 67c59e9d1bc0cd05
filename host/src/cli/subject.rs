//! The component that `test` and `check` look at. A project whose sources are newer than its
//! component is built first.

use std::path::Path;

use super::args::SubjectArgs;
use super::build::show;
use super::refusal::Refusal;
use super::ui::Ui;
use crate::author::build::{Options, build};
use crate::author::machine::Machine;
use crate::author::project::{self, Named, Subject};

/// Finds it, builds it where that is needed, and reads it.
pub(super) async fn of(
    ui: &Ui,
    machine: Machine,
    path: &Path,
    args: &SubjectArgs,
) -> anyhow::Result<Subject> {
    let (component, cases) = (args.component.as_deref(), args.cases.as_deref());
    if let Some(cases) = cases
        && !cases.is_dir()
    {
        let message = format!("there is no folder {}", cases.display());
        let help = "--cases names the folder in which the files of cases are";
        return Err(Refusal::user("no_cases", message).help(help).into());
    }
    let found = project::find(Named { path, component, cases })?;
    if let Some(folder) = &found.to_build {
        let built = build(folder, &Options::new(machine), &|event| show(ui, event)).await;
        ui.clear_status();
        built?;
    }
    found.read()
}
