//! The real program makes components of small plugins in each language, and the library of the
//! build takes them as it takes those of the tools from npm and PyPI.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that panics is a test that failed"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use fs_err as fs;
use wforge_build::{Language, Plugin, WORLD, entry_module, inspect, pack, write_world};

/// The SDK's package, as the entry module names it.
fn sdk_package(entry: &str) -> &str {
    let (_, after) = entry.split_once("import { connect } from \"").expect("the entry connects");
    after.split_once('"').expect("a name in quotes").0
}

/// A plugin's folder, and what is made of it.
struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// A plugin with these files beside its `plugin.toml`.
    fn new(language: &str, entry: &str, files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        let manifest = format!(
            "name = \"me/count\"\nversion = \"0.1.0\"\nagents = [{{}}]\n[build]\n\
             language = \"{language}\"\nentry = \"{entry}\"\n"
        );
        project.write("plugin/plugin.toml", &manifest);
        for (name, text) in files {
            project.write(&format!("plugin/{name}"), text);
        }
        project
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// Compiles it with what stands around it; how the program ended.
    fn compile(&self) -> Output {
        self.compile_within("300")
    }

    fn compile_within(&self, seconds: &str) -> Output {
        let plugin = Plugin::read(&self.path("plugin")).unwrap();
        let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        write_world(&plugin, &sdk.join("../wit"), &self.path("wit")).unwrap();
        let entry = entry_module(&plugin).unwrap();
        let (root, entry, path) = if plugin.build.language == Language::Python {
            copy(&sdk.join("python/src"), &self.path("packages"));
            self.write("packages/wforge_entry.py", &entry);
            let root = self.path("plugin").join(plugin.build.entry().parent().unwrap());
            (root, self.path("packages/wforge_entry.py"), Some(self.path("packages")))
        } else {
            let package = self.path("plugin/node_modules").join(sdk_package(&entry));
            copy(&sdk.join("js/src"), &package.join("src"));
            fs::copy(sdk.join("js/package.json"), package.join("package.json")).unwrap();
            self.write("plugin/wforge_entry.js", &entry);
            (self.path("plugin"), self.path("plugin/wforge_entry.js"), None)
        };
        let mut command = Command::new(env!("CARGO_BIN_EXE_wforge-build"));
        command.args(["componentize", "--language", plugin.build.language.name()]);
        command.arg("--wit").arg(self.path("wit")).args(["--world", WORLD]);
        command.arg("--module-root").arg(root).arg("--entry").arg(entry);
        command.arg("--output").arg(self.path("raw.wasm"));
        command.arg("--cache").arg(cache()).args(["--timeout-s", seconds]);
        if let Some(path) = path {
            command.arg("--path").arg(path);
        }
        command.output().unwrap()
    }

    /// Compiles and packs it; what it imports of the contract.
    fn imports(&self) -> Vec<String> {
        let output = self.compile();
        assert!(output.status.success(), "{}", said(&output));
        let plugin = Plugin::read(&self.path("plugin")).unwrap();
        let packed = pack(&plugin, &self.path("raw.wasm")).unwrap();
        fs::write(self.path("packed.wasm"), packed.bytes).unwrap();
        let (manifest, imports) = inspect(&self.path("packed.wasm")).unwrap();
        assert_eq!(manifest.name.as_str(), "me/count");
        imports.into_iter().filter(|name| name.starts_with("workflowforge:")).collect()
    }
}

/// One for all tests, so that the JavaScript runtime is compiled once.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, to).unwrap();
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Imports the SDK by the name that the entry has for it.
fn javascript(code: &str) -> String {
    let entry = Project::new("javascript", "src/agent.js", &[]);
    let entry = entry_module(&Plugin::read(&entry.path("plugin")).unwrap()).unwrap();
    format!("import {{ defineAgent }} from \"{}\";\n{code}", sdk_package(&entry))
}

#[test]
fn javascript_becomes_a_component_whose_imports_are_its_needs() {
    let agent =
        javascript("export const agent = defineAgent(({ text }) => ({ n: text.length }));\n");
    let project = Project::new("javascript", "src/agent.js", &[("src/agent.js", &agent)]);
    let imports = project.imports();
    assert!(imports.iter().any(|name| name.contains("/log@")), "{imports:?}");
    assert!(imports.iter().all(|name| !name.contains("/http@")), "{imports:?}");
}

#[test]
fn the_same_javascript_gives_the_same_bytes() {
    let agent = javascript("export const agent = defineAgent(() => ({}));\n");
    let project = Project::new("javascript", "src/agent.js", &[("src/agent.js", &agent)]);
    let made = || {
        assert!(project.compile().status.success());
        fs::read(project.path("raw.wasm")).unwrap()
    };
    assert!(made() == made(), "two builds of one plugin differ");
}

#[test]
fn typescript_is_imported_beside_javascript_and_loses_its_types() {
    let agent = javascript(
        "import { count } from \"./count.js\";\n\
         export const agent = defineAgent(({ text }: { text: string }) => ({ n: count(text) }));\n",
    );
    let count = "export function count(text: string): number {\n  return text.length;\n}\n";
    let files = [("src/agent.ts", agent.as_str()), ("src/count.ts", count)];
    Project::new("javascript", "src/agent.ts", &files).imports();
}

#[test]
fn a_mistake_is_told_with_file_and_line() {
    let agent = javascript("export const agent = defineAgent(() => (;\n");
    let project = Project::new("javascript", "src/agent.js", &[("src/agent.js", &agent)]);
    let output = project.compile();
    let text = said(&output);
    assert!(!output.status.success() && text.contains("src/agent.js:2"), "{text}");

    let agent = javascript("enum Colour { Red }\nexport const agent = defineAgent(() => ({}));\n");
    let project = Project::new("javascript", "src/agent.ts", &[("src/agent.ts", &agent)]);
    let text = said(&project.compile());
    assert!(text.contains("src/agent.ts:2:1") && text.contains("enum"), "{text}");

    let agent =
        javascript("import \"./gone.js\";\nexport const agent = defineAgent(() => ({}));\n");
    let project = Project::new("javascript", "src/agent.js", &[("src/agent.js", &agent)]);
    let text = said(&project.compile());
    assert!(text.contains("./gone.js") && text.contains("/src/agent.js"), "{text}");
}

#[test]
fn code_that_never_ends_is_given_up() {
    let agent = javascript("for (;;);\nexport const agent = defineAgent(() => ({}));\n");
    let project = Project::new("javascript", "src/agent.js", &[("src/agent.js", &agent)]);
    let output = project.compile_within("10");
    let text = said(&output);
    assert!(!output.status.success() && text.contains("not loaded after 10 s"), "{text}");
}

#[cfg(feature = "python")]
#[test]
fn python_becomes_a_component_without_a_python_here() {
    let agent =
        "from workflowforge import agent\n\n\n@agent\ndef main(ctx, input):\n    return {}\n";
    let project = Project::new("python", "src/agent.py", &[("src/agent.py", agent)]);
    let imports = project.imports();
    assert!(imports.iter().any(|name| name.contains("/log@")), "{imports:?}");

    project.write("plugin/src/agent.py", "import workflowforge\n\ndef broken(:\n");
    let text = said(&project.compile());
    assert!(text.contains("agent.py\", line 3"), "{text}");
}
