//! Plugins, the components that they are, and those that are in quarantine.

use serde_json::{Value, json};
use wforge_engine::{PluginInfo, Quarantine};
use wforge_ports::plugins::Admitted;

use super::Operation;
use crate::codes::{self, Code};
use crate::openapi::parts::COMPONENT;
use crate::openapi::shape::Shape;
use crate::plugins::{Inspected, Precompiled};
use crate::quarantine::{ChooseBody, Chosen, QuarantineBody};
use crate::resource::PageQuery;

/// The plugin of the examples, which asks a person.
const PLUGIN: &str = "wforge/probe";
const INSTALL: [&Code; 3] = [&codes::PLUGIN, &codes::UNTRUSTED, &codes::QUOTA];

pub(super) fn operations() -> Vec<Operation> {
    let mut all = installed();
    all.extend(components());
    all.extend(quarantines());
    all.extend(of_platform());
    all
}

fn plugin() -> Shape {
    Shape::resource::<PluginInfo>("Plugin", "plugin")
}

fn quarantine() -> Shape {
    Shape::resource::<Quarantine>("Quarantine", "quarantine")
}

fn why() -> Value {
    json!({ "reason": "It sends what it should not." })
}

fn signed(operation: Operation) -> Operation {
    let about = "The signature: the base64 form of minisign's file, on one line.";
    let schema = json!({ "type": "string", "contentEncoding": "base64" });
    operation.header("wforge-signature", about, &schema)
}

fn installed() -> Vec<Operation> {
    vec![
        Operation::get("/v1/plugins", "listPlugins", "Lists the installed plugins")
            .query::<PageQuery>(&[("limit", json!(20))])
            .pages("The versions that are installed, by name.", plugin()),
        signed(Operation::post("/v1/plugins", "installPlugin", "Installs a plugin"))
            .about("The body is the component. The same bytes twice are one plugin.")
            .component(PLUGIN)
            .gives(201, "It is installed; its needs are asked for as grants.", plugin())
            .refuses(&INSTALL)
            .known_as("/component", COMPONENT),
        Operation::get("/v1/plugins/{publisher}/{name}", "showPlugin", "Shows a plugin")
            .at("name", "probe")
            .gives(
                200,
                "The newest version, or the one that the name carries.",
                Shape::resource::<Inspected>("InspectedPlugin", "plugin"),
            )
            .tagged(),
        Operation::get(
            "/v1/plugins/{publisher}/{name}/versions",
            "listPluginVersions",
            "Lists the installed versions of a plugin, the newest first",
        )
        .at("name", "probe")
        .query::<PageQuery>(&[("limit", json!(20))])
        .pages("Its versions.", plugin()),
        Operation::post(
            "/v1/plugins/{publisher}/{name}/use",
            "choosePluginVersion",
            "Chooses the version that new runs get of a plugin",
        )
        .at("name", "probe")
        .json::<ChooseBody>(json!({ "version": "0.1.0", "reason": "The newer one was slow." }))
        .gives(200, "What new runs get from now on.", Shape::of::<Chosen>()),
    ]
}

fn components() -> Vec<Operation> {
    let component = || Shape::resource::<Admitted>("Component", "component");
    vec![
        Operation::post("/v1/components", "admitComponent", "Checks a component")
            .about("It is not installed; a run can name it by its digest.")
            .component(PLUGIN)
            .gives(201, "It was let in.", component())
            .refuses(&INSTALL)
            .known_as("/id", COMPONENT),
        Operation::get("/v1/components/{digest}", "showComponent", "Shows a component").gives(
            200,
            "What admission found.",
            component(),
        ),
        Operation::post(
            "/v1/components/{digest}/precompile",
            "precompileComponent",
            "Compiles a component, so that its next call need not wait",
        )
        .gives(200, "It is compiled.", Shape::of::<Precompiled>())
        .refuses(&[&codes::UNACCEPTABLE, &codes::PLUGIN]),
    ]
}

fn quarantines() -> Vec<Operation> {
    vec![
        Operation::get("/v1/quarantines", "listQuarantines", "Lists what is in quarantine")
            .query::<PageQuery>(&[])
            .pages("Components that the tenant does not call.", quarantine()),
        Operation::post(
            "/v1/components/{digest}/quarantine",
            "quarantineComponent",
            "Puts a component into quarantine",
        )
        .about("It is not called any more by this tenant; tasks that call it wait.")
        .json::<QuarantineBody>(why())
        .gives(201, "It is not called any more.", quarantine()),
        Operation::post(
            "/v1/components/{digest}/release",
            "releaseComponent",
            "Lets a component out of quarantine",
        )
        .gives(200, "What it was there for; the tasks that waited go on.", quarantine()),
    ]
}

fn of_platform() -> Vec<Operation> {
    vec![
        Operation::get(
            "/v1/platform/plugins",
            "listPlatformPlugins",
            "Lists the plugins that tenants can be offered",
        )
        .query::<PageQuery>(&[])
        .pages("The platform's plugins.", plugin()),
        signed(Operation::post(
            "/v1/platform/plugins",
            "installPlatformPlugin",
            "Installs a plugin that tenants can be offered",
        ))
        .component(PLUGIN)
        .gives(201, "It is installed, and nobody's yet.", plugin())
        .refuses(&INSTALL)
        .known_as("/component", COMPONENT),
        Operation::get(
            "/v1/platform/quarantines",
            "listPlatformQuarantines",
            "Lists what no tenant may call",
        )
        .query::<PageQuery>(&[])
        .pages("Components that nobody calls.", quarantine()),
        Operation::post(
            "/v1/platform/components/{digest}/quarantine",
            "quarantineComponentForAll",
            "Puts a component into quarantine for every tenant",
        )
        .json::<QuarantineBody>(why())
        .gives(201, "Nobody calls it any more.", quarantine()),
        Operation::post(
            "/v1/platform/components/{digest}/release",
            "releaseComponentForAll",
            "Lets a component out of everybody's quarantine",
        )
        .gives(200, "What it was there for.", quarantine()),
    ]
}
