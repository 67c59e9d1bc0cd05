//! Everything that is printed goes through here: results to stdout, everything else to stderr.
//!
//! What strangers wrote reaches a terminal only with its control characters made harmless.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use super::args::{Color, Global, Output};
use super::refusal::{Refusal, exit_code};

/// How to print. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Ui {
    /// How results are written.
    pub(crate) output: Output,
    /// Whether progress is printed.
    pub(crate) progress: bool,
    /// Whether plugins' log lines are printed.
    pub(crate) lines: bool,
    color: bool,
    /// The same of stdout, which may be a pipe beside a terminal.
    color_out: bool,
    /// Whether stderr is a terminal, where lines can be rewritten.
    pub(crate) live: bool,
    status: Arc<Mutex<bool>>,
}

/// A colour, where colours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Red,
    Yellow,
    Green,
    Cyan,
    Dim,
    Bold,
}

impl Ui {
    /// By the global flags and the terminal.
    pub(crate) fn new(global: &Global, no_color: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let colours = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !no_color,
        };
        Self {
            output: global.output,
            progress: !global.quiet,
            lines: global.verbose > 0,
            color: colours(terminal),
            color_out: colours(std::io::stdout().is_terminal()),
            live: terminal && !global.quiet,
            status: Arc::default(),
        }
    }

    /// The same, with plugins' log lines or without.
    pub(crate) fn with_lines(self, lines: bool) -> Self {
        Self { lines, ..self }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// Text in a colour, for stderr.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        if self.color { coloured(paint, text) } else { text.to_owned() }
    }

    /// Text in a colour, for stdout.
    pub(crate) fn paint_out(&self, paint: Paint, text: &str) -> String {
        if self.color_out { coloured(paint, text) } else { text.to_owned() }
    }

    /// A line of a result.
    pub(crate) fn out(&self, line: &str) {
        self.clear_status();
        let mut stdout = std::io::stdout().lock();
        // Whoever reads may have gone; that is their choice (`| head`).
        let _ = writeln!(stdout, "{line}");
        let _ = stdout.flush();
    }

    /// A text that is a result as it is; ends with a line end. A terminal is kept from the control
    /// characters in it, a file or a pipe gets every byte.
    pub(crate) fn out_text(&self, text: &str) {
        let text = text.strip_suffix('\n').unwrap_or(text);
        if std::io::stdout().is_terminal() {
            self.out(&harmless_lines(text));
        } else {
            self.out(text);
        }
    }

    /// A result as JSON.
    pub(crate) fn out_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        self.out(&serde_json::to_string_pretty(value)?);
        Ok(())
    }

    /// A line of progress.
    pub(crate) fn note(&self, line: &str) {
        if self.progress {
            self.err(line);
        }
    }

    /// A line that is printed even with --quiet.
    pub(crate) fn err(&self, line: &str) {
        self.clear_status();
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }

    /// A question, without a line end.
    pub(crate) fn ask(&self, text: &str) {
        self.clear_status();
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "{text}");
        let _ = stderr.flush();
    }

    /// A line that the next one replaces; on a terminal only.
    pub(crate) fn status(&self, line: &str) {
        if !self.live {
            return;
        }
        let mut shown = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r\x1b[2K{line}");
        let _ = stderr.flush();
        *shown = true;
    }

    /// Takes the status line away.
    pub(crate) fn clear_status(&self) {
        let mut shown = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[2K");
            *shown = false;
        }
    }

    /// Prints an error with its causes and fix; under --output json as JSON on stdout.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        if self.is_json() {
            let _ = self.out_json(&error_json(error));
            return;
        }
        self.error_text(error);
    }

    /// Prints an error to stderr, for a command that goes on.
    pub(crate) fn error_text(&self, error: &anyhow::Error) {
        let refusal = error.downcast_ref::<Refusal>();
        let mut causes = error.chain().map(|cause| harmless(&cause.to_string()));
        let first = causes.next().unwrap_or_default();
        let code = refusal.map(|refusal| format!("[{}]", harmless(&refusal.code)));
        let label = format!("error{}:", code.unwrap_or_default());
        self.err(&format!("{} {first}", self.paint(Paint::Red, &label)));
        for detail in refusal.map_or(&[][..], |refusal| refusal.details.as_slice()) {
            // What a compiler said keeps its lines.
            if detail.contains('\n') {
                self.err(&harmless_lines(detail));
            } else {
                self.err(&format!("  - {}", harmless(detail)));
            }
        }
        for cause in causes {
            self.err(&format!("  {} {cause}", self.paint(Paint::Dim, "because:")));
        }
        if let Some(help) = refusal.and_then(|refusal| refusal.help.as_deref()) {
            self.err(&format!("{} {}", self.paint(Paint::Cyan, "help:"), harmless(help)));
        }
    }
}

fn coloured(paint: Paint, text: &str) -> String {
    let code = match paint {
        Paint::Red => "31",
        Paint::Yellow => "33",
        Paint::Green => "32",
        Paint::Cyan => "36",
        Paint::Dim => "2",
        Paint::Bold => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// An error as `--output json` has it.
pub(crate) fn error_json(error: &anyhow::Error) -> serde_json::Value {
    let refusal = error.downcast_ref::<Refusal>();
    serde_json::json!({
        "error": {
            "code": refusal.map_or("failed", |refusal| refusal.code.as_ref()),
            "message": error.to_string(),
            "causes": error.chain().skip(1).map(ToString::to_string).collect::<Vec<_>>(),
            "details": refusal.map_or(&[][..], |refusal| refusal.details.as_slice()),
            "help": refusal.and_then(|refusal| refusal.help.as_deref()),
            "exit_code": exit_code(error),
        }
    })
}

/// The text in one line, control characters replaced, so that it cannot write to a terminal what
/// its reader did not ask for.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => ' ',
            c if is_unsafe(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// The same, keeping its lines.
pub(crate) fn harmless_lines(text: &str) -> String {
    let clean = |c: char| if is_unsafe(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    text.replace("\r\n", "\n").chars().map(clean).collect()
}

/// Control characters, and those that turn the direction of a line around.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Rows with their columns lined up.
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_cannot_steer_a_terminal() {
        assert_eq!(harmless("a\x1b[31mb\r\nc\u{202e}d"), "a\u{fffd}[31mb\u{fffd} c\u{fffd}d");
        assert_eq!(harmless_lines("a\r\n\tb\x07"), "a\n\tb\u{fffd}");
    }

    #[test]
    fn columns_line_up() {
        let rows = [vec!["a".into(), "bb".into()], vec!["ccc".into(), "d".into()]];
        assert_eq!(columns(&rows), ["a    bb", "ccc  d"]);
    }
}
