//! What is printed: a line an attack, and the count.

use crate::fixture::Fixture;

/// Prints a line.
#[expect(clippy::print_stdout, reason = "the one place that prints")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

/// Prints why the proof cannot go on.
#[expect(clippy::print_stderr, reason = "the one place that complains")]
pub(crate) fn complain(line: &str) {
    eprintln!("hostile: {line}");
}

/// The head of the table.
pub(crate) fn head() {
    say(&format!("{:<6} {:>3}  {:<44} {:<34} {}", "", "row", "attack", "defence", "result"));
}

/// One attack: whether it was stopped as it should be, and what its control came to.
pub(crate) fn row(fixture: &Fixture, passed: bool, result: &str, control: &str) {
    let mark = if passed { "ok" } else { "FAILED" };
    let Fixture { row, attack, defence, .. } = fixture;
    say(&format!("{mark:<6} {row:>3}  {attack:<44} {defence:<34} {result}; control: {control}"));
}
