//! What went wrong, from the last lines that a guest wrote: the panics of Rust, the exceptions of
//! JavaScript and Python.
//!
//! The lines are a stranger's text. They are shown, never believed: nothing but the message of a
//! failure depends on them.

/// One sentence with file and line where the language gives them; none where the lines tell of no
/// exception.
pub(crate) fn explain(lines: &[String]) -> Option<String> {
    // The engines of Python and JavaScript are Rust and end in a panic of their own: theirs first.
    [python, quickjs, javascript, rust].iter().find_map(|language| language(lines))
}

/// `thread '…' panicked at src/lib.rs:12:5:` and the message on the next line, or both on one.
fn rust(lines: &[String]) -> Option<String> {
    let (at, line) =
        lines.iter().enumerate().rev().find(|(_, line)| line.contains("panicked at"))?;
    let (_, place) = line.split_once("panicked at ")?;
    let next = lines.get(at + 1).filter(|next| !next.starts_with("note:"));
    Some(match next {
        Some(message) if place.ends_with(':') => format!("panicked at {place} {message}"),
        _ => format!("panicked at {}", place.trim_end_matches(':')),
    })
}

/// A traceback: the innermost `File "…", line n` and the last line, `ValueError: …`.
fn python(lines: &[String]) -> Option<String> {
    let start =
        lines.iter().rposition(|line| line.contains("Traceback (most recent call last)"))?;
    let traceback = lines.get(start + 1..)?;
    let error = traceback.iter().find(|line| !line.starts_with(' ') && !line.is_empty())?;
    let place = traceback.iter().rev().find_map(|line| {
        let rest = line.trim_start().strip_prefix("File \"")?;
        let (file, rest) = rest.split_once("\", line ")?;
        let line = rest.split(',').next()?;
        Some(format!("{file}:{line}"))
    });
    Some(place.map_or_else(|| error.clone(), |place| format!("{error} at {place}")))
}

/// `Exception { message: Some("…"), stack: Some("    at f (/agent.js:1:28)…") }`, which is how the
/// engine that componentize-qjs brings writes what nobody caught.
fn quickjs(lines: &[String]) -> Option<String> {
    let told =
        lines.iter().rev().find_map(|line| line.split_once("Exception { message: Some(\""))?.1;
    let (message, stack) = told.split_once("\"), stack: ")?;
    let place = stack.split_once('(').and_then(|(_, rest)| rest.split_once(" (")).map(|(_, at)| at);
    let place = place.and_then(|at| at.split(')').next()).map(|at| at.trim_start_matches('/'));
    Some(place.map_or_else(|| message.to_owned(), |place| format!("{message} at {place}")))
}

/// `TypeError: …` and the first `at … (file:line:column)` below it.
fn javascript(lines: &[String]) -> Option<String> {
    let first_frame = lines.iter().position(|line| line.trim_start().starts_with("at "))?;
    let error = lines.get(first_frame.checked_sub(1)?)?;
    let frame = lines.get(first_frame)?.trim_start().strip_prefix("at ")?;
    let place = frame.rsplit_once('(').map_or(frame, |(_, place)| place.trim_end_matches(')'));
    Some(format!("{} at {place}", error.trim()))
}

#[cfg(test)]
mod tests {
    use super::explain;

    fn check(lines: &[&str], expected: Option<&str>) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(explain(&lines).as_deref(), expected);
    }

    #[test]
    fn a_panic_gives_its_file_and_line() {
        let lines = [
            "starting",
            "thread '<unnamed>' (1) panicked at src/lib.rs:12:5:",
            "index out of bounds",
            "note: run with `RUST_BACKTRACE=1`",
        ];
        check(&lines, Some("panicked at src/lib.rs:12:5: index out of bounds"));
        check(&["panicked at src/lib.rs:3:1: boom"], Some("panicked at src/lib.rs:3:1: boom"));
    }

    #[test]
    fn a_traceback_gives_its_innermost_line() {
        let lines = [
            "Traceback (most recent call last):",
            "  File \"/app/outer.py\", line 3, in invoke",
            "    inner()",
            "  File \"/app/inner.py\", line 9, in inner",
            "    raise ValueError(\"boom\")",
            "ValueError: boom",
            "thread '<unnamed>' (1) panicked at runtime/src/lib.rs:1293:29:",
            "Python function threw an unexpected exception",
        ];
        check(&lines, Some("ValueError: boom at /app/inner.py:9"));
    }

    #[test]
    fn a_stack_of_javascript_gives_its_first_frame() {
        let lines = ["TypeError: x is not a function", "    at invoke (agent.js:7:3)", "    at b"];
        check(&lines, Some("TypeError: x is not a function at agent.js:7:3"));
    }

    #[test]
    fn an_exception_that_quickjs_reports_gives_its_first_frame() {
        let lines = [
            "thread '<unnamed>' (1) panicked at crates/runtime/src/interpreter.rs:51:31:",
            "Failed to call 'invoke': Value(Exception(",
            "Exception { message: Some(\"cannot read 'x'\"), stack: Some(\"    at inner \
             (/agent.js:1:28)\\n    at invoke (/agent.js:4:34)\\n\") })",
            ")",
        ];
        check(&lines, Some("cannot read 'x' at agent.js:1:28"));
        let bare = ["Exception { message: Some(\"just text\"), stack: None })"];
        check(&bare, Some("just text"));
    }

    #[test]
    fn other_lines_tell_of_no_exception() {
        check(&["warning: slow"], None);
        check(&[], None);
    }
}
