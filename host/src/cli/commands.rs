//! `wforge commands`: every command, as clap knows it; what tests of all commands begin with.

use clap::Command;

use super::ui::Ui;

/// Prints the commands that people call, one a line.
pub(super) fn list(ui: &Ui, root: &Command) {
    let mut found = Vec::new();
    leaves(root, "", &mut found);
    found.iter().for_each(|line| ui.out(line));
}

/// A command that has others below it is one itself where these can be left out.
fn leaves(command: &Command, path: &str, found: &mut Vec<String>) {
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set());
    for below in shown {
        let path = format!("{path} {}", below.get_name()).trim_start().to_owned();
        if !below.has_subcommands() || !below.is_subcommand_required_set() {
            found.push(path.clone());
        }
        leaves(below, &path, found);
    }
}
