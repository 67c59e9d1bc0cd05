//! JavaScript and Python: the plugin and the SDK are staged in a folder with nothing else, an entry
//! module joins them with the plugin's world, and a compiler freezes all of it into a component.

use std::path::{Path, PathBuf};

use fs_err as fs;
use wforge_build::{Language, Plugin, WORLD, entry_module, write_world};

use super::refused::not_compiled;
use super::stage::{self, Staged};
use super::{Event, Options, Progress, Work, refused};
use crate::author::assets;
use crate::author::machine::{COMPILE_TIME_MAX, Call, Ended};
use crate::author::toolchain::scripted::Compiler;
use crate::cli::refusal::Refusal;

/// Compiles the plugin; the component as the compiler made it.
pub(super) async fn compile(
    compiler: &Compiler,
    plugin: &Plugin,
    work: &Work,
    options: &Options,
    progress: Progress<'_>,
) -> anyhow::Result<PathBuf> {
    let entry = plugin.folder.join(plugin.build.entry());
    if !entry.is_file() {
        let message = format!("{} is missing: build.entry names it", entry.display());
        return Err(Refusal::user("bad_plugin", message).into());
    }
    let wit = world(plugin, work)?;
    let staged = stage::stage(plugin, &work.path("stage"))?;
    fs::write(&staged.entry, entry_module(plugin).map_err(|error| refused(&error))?)?;
    if let (Compiler::Pinned(_), Language::TypeScript) = (compiler, plugin.build.language) {
        strip_types(compiler, plugin, &staged, options).await?;
    }
    let raw = work.path("component.wasm");
    let call = Call::of(compiler.program());
    let call = match (compiler, plugin.build.language) {
        (Compiler::Own(_), language) => own(call, language, &staged, &wit),
        (Compiler::Pinned(_), Language::Python) => componentize_py(call, &staged, &wit),
        (Compiler::Pinned(_), _) => componentize_qjs(call, &wit),
    };
    let call = call.arg("--output").arg(&raw);
    let ended = options.machine.run(call.inside(&staged.folder).within(COMPILE_TIME_MAX)).await?;
    if !ended.is_success {
        let program = compiler.program().file_name().unwrap_or_default().to_string_lossy();
        return Err(not_compiled(plugin.manifest.name.as_str(), &program, &ended).into());
    }
    let said = ended.stderr.trim();
    if !said.is_empty() {
        progress(Event::Said(said));
    }
    Ok(raw)
}

/// Takes the types out of what was staged; `wforge-build` does so by itself.
async fn strip_types(
    compiler: &Compiler,
    plugin: &Plugin,
    staged: &Staged,
    options: &Options,
) -> anyhow::Result<()> {
    let node = options.machine.program("node").unwrap_or_else(|| PathBuf::from("node"));
    let call = Call::of(&node).arg(compiler.type_stripper()).arg(&staged.folder);
    let ended = options.machine.run(call.within(COMPILE_TIME_MAX)).await?;
    if ended.is_success {
        return Ok(());
    }
    // Places are those in the project.
    let here = |said: String| said.replace(&format!("{}/", staged.folder.display()), "");
    let ended = Ended { stderr: here(ended.stderr), ..ended };
    Err(not_compiled(plugin.manifest.name.as_str(), "TypeScript", &ended).into())
}

/// Writes the plugin's world; its folder.
fn world(plugin: &Plugin, work: &Work) -> anyhow::Result<PathBuf> {
    let (contract, wit) = (work.path("contract"), work.path("wit"));
    assets::write(&assets::wit(), &contract)?;
    write_world(plugin, &contract, &wit).map_err(|error| refused(&error))?;
    Ok(wit)
}

/// `wforge-build` takes the same arguments for every language.
fn own(call: Call, language: Language, staged: &Staged, wit: &Path) -> Call {
    let call = call.args(["componentize", "--language", language.name()]);
    let call = call.arg("--wit").arg(wit).args(["--world", WORLD]);
    let call = call.arg("--module-root").arg(&staged.modules).arg("--entry").arg(&staged.entry);
    match &staged.packages {
        Some(packages) => call.arg("--path").arg(packages),
        None => call,
    }
}

/// Nothing is bundled or minified: a stack names the author's files and lines.
fn componentize_qjs(call: Call, wit: &Path) -> Call {
    let call = call.arg("--sync").arg("--wit").arg(wit).args(["--world", WORLD]);
    call.args(["--module-root", ".", "--js", stage::JAVASCRIPT_ENTRY])
}

/// What `VIRTUAL_ENV` names is all that can be imported beside the plugin; without it
/// componentize-py would take this machine's packages in.
fn componentize_py(call: Call, staged: &Staged, wit: &Path) -> Call {
    let call = match &staged.environment {
        Some(environment) => call.variable("VIRTUAL_ENV", environment),
        None => call,
    };
    let call = call.variable("RUST_BACKTRACE", "0").arg("--quiet");
    let call = call.arg("--wit-path").arg(wit).args(["--world", WORLD]);
    let call = call.args(["componentize", stage::PYTHON_ENTRY]);
    call.arg("--python-path").arg(&staged.modules)
}
