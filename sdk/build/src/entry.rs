//! The module that a component's code begins with: it hands the SDK the interfaces of the plugin's
//! world, then loads the author's module.
//!
//! Scripts and Python resolve imports while the component is made, and only those of the plugin's
//! own world are there. So the SDK cannot name them, and the build, which knows them, does.

use std::path::Path;

use crate::interface::qualified;
use crate::world::RANDOM;
use crate::{BuildError, Interface, Language, Plugin};

/// The module's text; none in Rust, where the linker leaves out what is not called.
///
/// # Errors
/// A need that the language cannot have yet, or an entry that is no module of it.
pub fn entry_module(plugin: &Plugin) -> Result<String, BuildError> {
    let interfaces: Vec<&str> = plugin.interfaces()?.into_iter().map(Interface::name).collect();
    match plugin.build.language {
        Language::Rust => Ok(String::new()),
        Language::JavaScript | Language::TypeScript => Ok(javascript(plugin, &interfaces)),
        Language::Python => python(plugin, &interfaces),
    }
}

fn javascript(plugin: &Plugin, interfaces: &[&str]) -> String {
    let import = |name: &&str| format!("import * as {name} from \"{}\";\n", qualified(name));
    let imports: String = interfaces.iter().map(import).collect();
    // The engine has no randomness that is another in each sandbox; the host's is.
    let random = format!("import * as random from \"{RANDOM}\";\n");
    let (names, entry) = (interfaces.join(", "), format!("./{}", plugin.build.entry().display()));
    format!(
        "// The entry of {}, written by the build.\n{imports}{random}\
         import {{ connect }} from \"@workflowforge/sdk\";\n\n\
         connect({{ {names}, random }});\n\n\
         export {{ agent }} from {entry:?};\n",
        said(plugin)
    )
}

fn python(plugin: &Plugin, interfaces: &[&str]) -> Result<String, BuildError> {
    let module = module_name(plugin.build.entry()).ok_or_else(|| BuildError::PluginFile {
        path: plugin.file(),
        message: format!(
            "build.entry is \"{}\": write the path of a file such as src/agent.py, whose name \
             Python can import",
            plugin.build.entry().display()
        ),
    })?;
    let named: Vec<String> = interfaces.iter().map(|name| format!("{name}={name}")).collect();
    let agents: Vec<&str> = plugin.manifest.agents.iter().map(|agent| &*agent.name).collect();
    Ok(format!(
        "\"\"\"The entry of {}, written by the build.\"\"\"\n\n\
         from wit_world.imports import {}\n\
         from workflowforge import export\n\n\
         export.connect({})\n\n\
         import {module}\n\n\
         export.check_agents({agents:?})\n\
         Agent = export.Agent\n",
        said(plugin),
        interfaces.join(", "),
        named.join(", "),
    ))
}

/// The file's name without its ending, if it is one that Python can import.
fn module_name(entry: &Path) -> Option<&str> {
    let stem = entry.file_stem()?.to_str()?;
    let starts = stem.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on = stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (entry.extension()? == "py" && starts && goes_on).then_some(stem)
}

/// `me/thing 1.2.3`: no text of the author's that could end a comment.
fn said(plugin: &Plugin) -> String {
    format!("{} {}", plugin.manifest.name, plugin.manifest.version)
}
