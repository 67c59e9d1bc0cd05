//! The component that `test` and `check` look at. A project whose sources are newer than its
//! component is built first.

use std::path::Path;

use super::args::SubjectArgs;
use super::build::show;
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
    let found = project::find(Named { path, component, cases })?;
    if let Some(folder) = &found.to_build {
        let built = build(folder, &Options::new(machine), &|event| show(ui, event)).await;
        ui.clear_status();
        built?;
    }
    found.read()
}
