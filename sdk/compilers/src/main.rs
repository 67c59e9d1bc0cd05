//! `wforge-build`: compiles a plugin's code in JavaScript, TypeScript or Python to a component,
//! without Node or Python on the machine.
//!
//! A program of its own, since each of the two compilers inside brings a wasmtime; `wforge` calls
//! it. It has the commands of the program in `sdk/build` too, which are that library's.

mod arguments;
mod error;
mod javascript;
mod modules;
#[cfg(feature = "python")]
mod python;
mod typescript;

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use clap::Parser as _;
use fs_err as fs;

use arguments::{Arguments, Command, Componentize, Language};
use error::CompileError;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "what is no compiling goes to the library")]
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match wforge_build::shell::run(&words) {
        Some(Ok(text)) => return finish(&mut std::io::stdout(), &text, 0),
        Some(Err(error)) => return finish(&mut std::io::stderr(), &format!("error: {error}\n"), 2),
        None => {}
    }
    let arguments = Arguments::parse();
    let done = match &arguments.command {
        Command::Componentize(it) => within(it.timeout_s, || componentize(it)),
        Command::Strip { file } => strip(file),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = if matches!(error, CompileError::Arguments(_)) { 2 } else { 1 };
            finish(&mut std::io::stderr(), &format!("error: {}\n", error.report()), code)
        }
    }
}

/// Writes the text and ends with that code; with 1 where nobody reads it any more.
fn finish(out: &mut dyn Write, text: &str, code: u8) -> ExitCode {
    match out.write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

fn componentize(it: &Componentize) -> Result<(), CompileError> {
    let (wit, world) = (it.wit.as_path(), it.world.as_str());
    let (module_root, entry) = (it.module_root.as_path(), it.entry.as_path());
    let component = match it.language {
        #[cfg(feature = "python")]
        Language::Python => {
            let paths = it.paths.as_slice();
            python::componentize(python::Job { wit, world, module_root, entry, paths })?
        }
        #[cfg(not(feature = "python"))]
        Language::Python => {
            let message = "this wforge-build was built without its feature python";
            return Err(CompileError::Arguments(message.to_owned()));
        }
        Language::Javascript | Language::Typescript => {
            if let Some(path) = it.paths.first() {
                return Err(CompileError::Arguments(format!(
                    "--path {} is for Python: JavaScript finds modules below --module-root",
                    path.display()
                )));
            }
            let cache = cache(it)?;
            let cache = cache.as_deref();
            javascript::componentize(javascript::Job { wit, world, module_root, entry, cache })?
        }
    };
    write_whole(&it.output, &component)
}

/// The folder of compiled code, absolute; none where it is not wanted or has no place.
fn cache(it: &Componentize) -> Result<Option<PathBuf>, CompileError> {
    let named = it.cache.clone().filter(|folder| !folder.as_os_str().is_empty());
    let home = || it.home.as_ref().map(|home| home.join(".cache/wforge/javascript"));
    let folder = if it.no_cache { None } else { named.or_else(home) };
    folder.map(|folder| Ok(std::path::absolute(folder)?)).transpose()
}

/// A reader must never see half a component, so the file appears whole.
fn write_whole(output: &Path, component: &[u8]) -> Result<(), CompileError> {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let unfinished = output.with_file_name(name);
    fs::write(&unfinished, component)?;
    Ok(fs::rename(&unfinished, output)?)
}

fn strip(file: &Path) -> Result<(), CompileError> {
    let stripped = typescript::strip(&file.display().to_string(), &fs::read_to_string(file)?)?;
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(stripped.as_bytes())?;
    if stdout.is_terminal() && !stripped.ends_with('\n') {
        stdout.write_all(b"\n")?;
    }
    Ok(())
}

/// Does the work within so many seconds: the author's code runs once while it is compiled, and may
/// never end. Nothing inside can be interrupted, so the process is.
fn within<T>(seconds: u64, work: impl FnOnce() -> T) -> T {
    let (done, over) = sync_channel::<()>(1);
    let limit = Duration::from_secs(seconds);
    let watch = move || {
        if over.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            give_up(seconds);
        }
    };
    // Without a watch the work is done all the same.
    let _watch = std::thread::Builder::new().name("watch".to_owned()).spawn(watch);
    let result = work();
    drop::<SyncSender<()>>(done);
    result
}

#[expect(clippy::exit, reason = "code that never ends can be ended in no other way")]
fn give_up(seconds: u64) {
    let _unheard = writeln!(
        std::io::stderr(),
        "error: the code is not loaded after {seconds} s: what stands at the top of a module runs \
         while it is compiled; --timeout-s gives it longer"
    );
    std::process::exit(1);
}
