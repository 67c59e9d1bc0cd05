//! A registry that lies: its owner, or whoever has its disk, puts other bytes in place.

use serde_json::Value;

use super::server::Registry;
use super::{author, install, publish, run, versions};
use crate::harness::Cli;

/// A plugin that is published, and what was said of it.
fn published() -> (Registry, Cli, String, Value) {
    let (registry, cli) = (Registry::start(), author());
    let to = format!("{}:0.1.0", registry.reference("acme/probe"));
    let published = publish(&cli, "probe.wasm", &to).exits(0).json();
    run(&cli, "trust add acme acme.pub").exits(0);
    (registry, cli, to, published)
}

fn digest<'a>(published: &'a Value, field: &str) -> &'a str {
    published[field].as_str().expect("a digest")
}

/// The manifest with other words in it.
fn reworded(registry: &Registry, published: &Value, from: &str, to: &str) {
    registry.exchange(digest(published, "digest"), |bytes| {
        let text = String::from_utf8(bytes).expect("JSON");
        assert!(text.contains(from), "no {from} in {text}");
        text.replace(from, to).into_bytes()
    });
}

#[test]
fn other_bytes_than_a_digest_names_are_refused() {
    let (registry, cli, to, published) = published();
    registry.exchange(digest(&published, "component"), |mut bytes| {
        *bytes.last_mut().expect("a byte") ^= 1;
        bytes
    });
    let refused = install(&cli, &to, " --yes");
    refused.exits(2).says(&["digest_mismatch", digest(&published, "component")]);
    reworded(&registry, &published, "wforge/probe", "wforge/prode");
    let pinned = format!("{to}@{}", digest(&published, "digest"));
    let refused = install(&cli, &pinned, " --yes");
    refused.exits(2).says(&["digest_mismatch", digest(&published, "digest")]);
    assert_eq!(versions(&cli), Vec::<String>::new());
}

#[test]
fn an_image_is_no_plugin() {
    let (registry, cli, to, published) = published();
    let (wasm, image) = ("vnd.wasm.config.v0+json", "vnd.oci.image.config.v1+json");
    reworded(&registry, &published, wasm, image);
    install(&cli, &to, " --yes").exits(2).says(&["wrong_media_type", image]);
    reworded(&registry, &published, image, wasm);
    reworded(&registry, &published, "\"application/wasm\"", "\"application/gzip\"");
    install(&cli, &to, " --yes").exits(2).says(&["wrong_media_type", "application/gzip"]);
}

#[test]
fn more_bytes_than_a_limit_are_not_read() {
    let (registry, cli, to, published) = published();
    let manifest: Value =
        serde_json::from_slice(&registry.blob(digest(&published, "digest"))).unwrap();
    let size = format!("\"size\":{}", manifest["layers"][0]["size"]);
    // 256 MiB and a byte: more than is fetched of any component.
    reworded(&registry, &published, &size, "\"size\":268435457");
    install(&cli, &to, " --yes").exits(2).says(&["too_large", "the component", "268435456"]);
    // More than it says itself.
    reworded(&registry, &published, "\"size\":268435457", "\"size\":1000");
    install(&cli, &to, " --yes").exits(2).says(&["too_large", "more than 1000 bytes"]);
    registry.exchange(digest(&published, "digest"), |mut bytes| {
        bytes.resize((1 << 20) + 1, b' ');
        bytes
    });
    install(&cli, &to, " --yes").exits(2).says(&["too_large", "the manifest", "1048576"]);
    assert_eq!(versions(&cli), Vec::<String>::new());
}

#[test]
fn a_signature_that_was_exchanged_is_refused_before_anything_is_compiled() {
    let (registry, cli, to, published) = published();
    let from = "file:wforge-probe.wasm";
    reworded(&registry, &published, from, "file:wforge-prode.wasm");
    install(&cli, &to, " --yes").exits(2).says(&["bad_signature"]);
    let long = "x".repeat(4 << 10);
    reworded(&registry, &published, "file:wforge-prode.wasm", &long);
    install(&cli, &to, " --yes").exits(2).says(&["bad_signature", "more than 4096"]);
    reworded(&registry, &published, &long, "file:wforge-probe.wasm");
    reworded(&registry, &published, "trusted comment:", "trusted:");
    install(&cli, &to, " --yes").exits(2).says(&["bad_signature"]);
    assert_eq!(versions(&cli), Vec::<String>::new());
}
