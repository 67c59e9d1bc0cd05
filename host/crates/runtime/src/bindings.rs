//! The contract as Rust, made from wit/ at build time. One world, with all of its interfaces.
//!
//! Nothing here is written by hand; `capabilities` implements what a guest imports.

wasmtime::component::bindgen!({
    path: "../../../wit",
    world: "plugin",
    imports: { default: async | trappable },
    exports: { default: async },
    with: {
        "workflowforge:plugin/secrets.secret": crate::capabilities::secrets::HeldSecret,
        "workflowforge:plugin/blobs.writer": crate::capabilities::blobs::OpenBlob,
    },
});
