//! The contract as Rust, generated from `wit/`, a copy of the project's that a test compares.
//!
//! Nothing is written by hand here. All interfaces are in it; the linker leaves out what a plugin
//! does not call, so that its component imports only what it uses.
#![expect(missing_docs, reason = "the documentation is the WIT's; not every generated item has it")]

wit_bindgen::generate!({
    path: "wit",
    world: "plugin",
    pub_export_macro: true,
    export_macro_name: "export_component",
    default_bindings_module: "::workflowforge_sdk::bindings",
    // So that a test compares what an agent returned. What holds a secret has nothing to compare.
    additional_derives: [PartialEq],
    additional_derives_ignore: ["credential", "request"],
});
