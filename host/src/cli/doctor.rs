//! `wforge doctor`.

use super::args::DoctorArgs;
use super::refusal::EXIT_FAILED;
use super::ui::{Paint, Ui, harmless};
use crate::author::doctor::{Check, State, Wanted, examine};
use crate::author::machine::Machine;
use crate::author::toolchain::install;
use crate::config::{Config, ConfigError};

/// Looks, mends what it may, and says how everything stands; 1 where something is missing.
pub(crate) async fn run(
    ui: &Ui,
    machine: &Machine,
    config: Result<Config, ConfigError>,
    args: &DoctorArgs,
) -> anyhow::Result<u8> {
    let data_dir = config.as_ref().ok().map(|config| config.data_dir.clone());
    let wanted = Wanted { langs: &args.langs, data_dir: data_dir.as_deref() };
    let mut checks = examine(machine, wanted).await;
    if args.fix {
        mend(ui, machine, &checks).await;
        checks = examine(machine, wanted).await;
    }
    checks.insert(0, Check::of("wforge", Ok(env!("CARGO_PKG_VERSION").to_owned())));
    if let Err(error) = &config {
        let mend = "wforge config check shows everything with its fix".to_owned();
        checks.push(Check::of("configuration", Err((error.to_string(), mend))));
    }
    if ui.is_json() {
        ui.out_json(&checks)?;
    } else {
        checks.iter().for_each(|check| print(ui, check));
    }
    let is_whole = checks.iter().all(|check| check.state != State::Missing);
    Ok(if is_whole { 0 } else { EXIT_FAILED })
}

/// Installs each thing once. What fails is said, and still missing afterwards.
async fn mend(ui: &Ui, machine: &Machine, checks: &[Check]) {
    let mut done = Vec::new();
    for fix in checks.iter().filter_map(|check| check.fix) {
        if done.contains(&fix) {
            continue;
        }
        done.push(fix);
        ui.note("installing what is missing; this may take a minute …");
        match install::fix(machine, fix).await {
            Ok(what) => ui.note(&format!("installed {what}")),
            Err(error) => ui.error_text(&error),
        }
    }
}

fn print(ui: &Ui, check: &Check) {
    let mark = match check.state {
        State::Ok => ui.paint(Paint::Green, "ok     "),
        State::Warning => ui.paint(Paint::Yellow, "warning"),
        State::Missing => ui.paint(Paint::Red, "missing"),
    };
    ui.out(&format!("{mark}  {:13} {}", check.name, harmless(&check.found)));
    if let Some(mend) = &check.mend {
        let also = if check.fix.is_some() { " (or wforge doctor --fix)" } else { "" };
        ui.out(&format!("         {} {}{also}", ui.paint(Paint::Cyan, "help:"), harmless(mend)));
    }
}
