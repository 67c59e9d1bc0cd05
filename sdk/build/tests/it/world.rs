//! What the build writes for a plugin in JavaScript, TypeScript or Python: its world, and its
//! entry.

use std::path::Path;

use expect_test::{Expect, expect};
use fs_err as fs;
use wforge_build::{BuildError, Plugin, entry_module, write_world};

use crate::{ASK, HEAD, folder, text};

fn world(plugin_toml: &str) -> Result<String, BuildError> {
    let folder = folder(plugin_toml);
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let out = folder.path().join("wit");
    write_world(&Plugin::read(folder.path())?, &wit, &out)?;
    Ok(fs::read_to_string(out.join("world.wit")).unwrap())
}

#[test]
fn a_world_imports_what_the_manifest_needs() {
    let js = format!(
        "{HEAD}agents = [{{}}]\nneeds = [{{ capability = \"ask\", reason = \"asks\" }}, \
         {{ capability = \"http:https://a.example\", reason = \"reads\" }}]\n\
         [build]\nlanguage = \"javascript\"\nuses = [\"timer\"]\n"
    );
    expect![[r#"
        package workflowforge:built;

        /// The world of me/thing 1.2.3, written by the build from the needs in plugin.toml.
        world plugin {
            import workflowforge:plugin/log@0.1.0;
            import workflowforge:plugin/timer@0.1.0;
            import workflowforge:plugin/secrets@0.1.0;
            import workflowforge:plugin/http@0.1.0;
            import workflowforge:plugin/human@0.1.0;
            import wasi:random/random@0.2.0;
            export workflowforge:plugin/agent@0.1.0;
        }
    "#]]
    .assert_eq(&world(&js).unwrap());
}

#[test]
fn a_plugin_without_needs_imports_the_log_alone() {
    let plugin = format!("{HEAD}agents = [{{}}]\nbuild.language = \"python\"\n");
    expect![[r#"
        package workflowforge:built;

        /// The world of me/thing 1.2.3, written by the build from the needs in plugin.toml.
        world plugin {
            import workflowforge:plugin/log@0.1.0;
            export workflowforge:plugin/agent@0.1.0;
        }
    "#]]
    .assert_eq(&world(&plugin).unwrap());
}

#[test]
fn scripts_have_their_randomness_from_the_host() {
    for language in ["javascript", "typescript"] {
        let plugin = format!("{HEAD}agents = [{{}}]\nbuild.language = \"{language}\"\n");
        expect![[r#"
            package workflowforge:built;

            /// The world of me/thing 1.2.3, written by the build from the needs in plugin.toml.
            world plugin {
                import workflowforge:plugin/log@0.1.0;
                import wasi:random/random@0.2.0;
                export workflowforge:plugin/agent@0.1.0;
            }
        "#]]
        .assert_eq(&world(&plugin).unwrap());
    }
}

#[test]
fn what_a_language_cannot_have_yet_is_said() {
    for language in ["javascript", "typescript", "python"] {
        let plugin = format!(
            "{HEAD}agents = [{{}}]\nbuild.language = \"{language}\"\n\
             needs = [{{ capability = \"http.raw:*\", reason = \"all\" }}]\n"
        );
        let error = world(&plugin).unwrap_err().to_string();
        let said = format!("the need \"http.raw:*\" is not supported yet for {language}");
        assert!(error.contains(&said) && error.ends_with("in Rust"), "{error}");
    }
}

fn enters(build: &str, expected: Expect) {
    let folder = folder(&format!(
        "{HEAD}agents = [{{ name = \"one\" }}, {{ name = \"two\" }}]\n{ASK}[build]\n{build}"
    ));
    let said = match Plugin::read(folder.path()).and_then(|plugin| entry_module(&plugin)) {
        Err(error) => text(folder.path(), &error),
        Ok(module) => module,
    };
    expected.assert_eq(&said);
}

#[test]
fn an_entry_hands_the_world_to_the_sdk_and_loads_the_authors_module() {
    enters(
        "language = \"javascript\"\nuses = [\"timer\"]",
        expect![[r#"
            // The entry of me/thing 1.2.3, written by the build.
            import * as log from "workflowforge:plugin/log@0.1.0";
            import * as timer from "workflowforge:plugin/timer@0.1.0";
            import * as human from "workflowforge:plugin/human@0.1.0";
            import * as random from "wasi:random/random@0.2.0";
            import { connect } from "@workflowforge/sdk";

            connect({ log, timer, human, random });

            export { agent } from "./src/agent.js";
        "#]],
    );
    enters(
        "language = \"typescript\"",
        expect![[r#"
            // The entry of me/thing 1.2.3, written by the build.
            import * as log from "workflowforge:plugin/log@0.1.0";
            import * as human from "workflowforge:plugin/human@0.1.0";
            import * as random from "wasi:random/random@0.2.0";
            import { connect } from "@workflowforge/sdk";

            connect({ log, human, random });

            export { agent } from "./src/agent.ts";
        "#]],
    );
    enters(
        "language = \"python\"\nentry = \"code/my_agents.py\"",
        expect![[r#"
            """The entry of me/thing 1.2.3, written by the build."""

            from wit_world.imports import log, human
            from workflowforge import export

            export.connect(log=log, human=human)

            import my_agents

            export.check_agents(["one", "two"])
            Agent = export.Agent
        "#]],
    );
}

#[test]
fn an_entry_that_python_cannot_import_is_refused() {
    for entry in ["src/my-agent.py", "src/agent.js", "src/1.py"] {
        let folder = folder(&format!(
            "{HEAD}agents = [{{}}]\nbuild = {{ language = \"python\", entry = \"{entry}\" }}\n"
        ));
        let error = entry_module(&Plugin::read(folder.path()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("whose name Python can import"), "{error}");
    }
}

#[test]
fn rust_needs_no_entry() {
    enters("language = \"rust\"", expect![[""]]);
}
