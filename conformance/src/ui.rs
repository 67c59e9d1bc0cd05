//! The only place that prints.
#![expect(clippy::print_stdout, reason = "what the program says is its result")]

/// Prints a line.
pub fn say(line: impl std::fmt::Display) {
    println!("{line}");
}
