//! `wforge config …`.

use super::args::ConfigCommand;
use super::refusal::{EXIT_REFUSED, Refusal};
use super::ui::{Paint, Ui, columns, harmless};
use crate::config::{ConfigError, Finding, Loaded, Severity, check, reference_text, schema};

/// A configuration that cannot be used, as every command reports it.
pub(crate) fn refused(error: &ConfigError) -> Refusal {
    let details = error
        .0
        .iter()
        .map(|finding| format!("{}: {}; {}", finding.place, finding.message, finding.help));
    Refusal::user("bad_config", error.to_string())
        .details(details)
        .help("wforge config check shows everything with its fix")
}

/// One of the commands.
pub(crate) fn run(ui: &Ui, command: &ConfigCommand, loaded: Loaded) -> anyhow::Result<u8> {
    match command {
        ConfigCommand::Show => show(ui, &loaded),
        ConfigCommand::Check => check_all(ui, loaded),
        ConfigCommand::Schema => {
            ui.out_json(&schema())?;
            Ok(0)
        }
        ConfigCommand::Reference => {
            ui.out_text(&reference_text());
            Ok(0)
        }
    }
}

fn show(ui: &Ui, loaded: &Loaded) -> anyhow::Result<u8> {
    if ui.is_json() {
        ui.out_json(&loaded.shown)?;
    } else {
        let row = |key: &crate::config::ShownKey| {
            let value = key.value.as_deref().map_or_else(|| "(unset)".to_owned(), harmless);
            vec![key.key.to_owned(), value, format!("# {}", harmless(&key.origin))]
        };
        let rows: Vec<Vec<String>> = loaded.shown.iter().map(row).collect();
        columns(&rows).iter().for_each(|line| ui.out(line));
    }
    if let Err(error) = &loaded.config {
        return Err(refused(error).into());
    }
    Ok(0)
}

fn check_all(ui: &Ui, loaded: Loaded) -> anyhow::Result<u8> {
    let mut findings = loaded.warnings;
    match &loaded.config {
        Ok(config) => findings.extend(check(config)),
        Err(ConfigError(errors)) => findings.extend(errors.iter().cloned()),
    }
    findings.sort_by_key(|finding| finding.severity);
    let red = findings.iter().any(|finding| finding.severity == Severity::Error);
    if ui.is_json() {
        ui.out_json(&findings)?;
    } else {
        findings.iter().for_each(|finding| print(ui, finding));
    }
    Ok(if red { EXIT_REFUSED } else { 0 })
}

fn print(ui: &Ui, finding: &Finding) {
    let mark = match finding.severity {
        Severity::Error => ui.paint(Paint::Red, "error"),
        Severity::Warning => ui.paint(Paint::Yellow, "warn "),
        Severity::Ok => ui.paint(Paint::Green, "ok   "),
    };
    ui.out(&format!("{mark}  {}: {}", harmless(&finding.place), harmless(&finding.message)));
    if !finding.help.is_empty() {
        ui.out(&format!("       {} {}", ui.paint(Paint::Cyan, "help:"), harmless(&finding.help)));
    }
}
