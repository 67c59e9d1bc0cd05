//! `wforge-build`: the library's steps for a shell. `sdk/toolchain.sh` calls it.
//!
//! Compilers are not in here; `sdk/compilers` would be the same program with them.

use std::io::Write;
use std::process::ExitCode;

use wforge_build::shell;

const NO_COMPILER: &str = "error: this wforge-build compiles nothing. Run: wforge build\n";

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "this is the program's only reader of arguments")]
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match shell::run(&arguments) {
        Some(Ok(text)) => finish(&mut std::io::stdout(), &text, 0),
        Some(Err(error)) => finish(&mut std::io::stderr(), &format!("error: {error}\n"), 2),
        None if arguments.first() == Some(&"componentize") => {
            finish(&mut std::io::stderr(), NO_COMPILER, 2)
        }
        None => finish(&mut std::io::stderr(), &format!("usage:\n{}", shell::USAGE), 2),
    }
}

/// Writes the text and ends with that code; with 1 where nobody reads it any more.
fn finish(out: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    match out.write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}
