//! Has the program built anew when a file that it carries along comes, changes or goes. The macro
//! that reads the folders sees files that it knows, but not new ones. And tells the program what it
//! is built with, for `/v1/system`.

use std::process::Command;

/// What names the versions of all that is linked.
const LOCK: &str = "../Cargo.lock";

/// What `src/author/assets.rs` reads.
const CARRIED: [&str; 7] = [
    "../wit",
    "../sdk/templates",
    "../sdk/rust/src",
    "../sdk/rust/wit",
    "../sdk/rust/macros",
    "../sdk/js/src",
    "../sdk/python/src",
];

fn main() {
    for folder in CARRIED {
        println!("cargo::rerun-if-changed={folder}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={LOCK}");
    println!("cargo::rerun-if-env-changed=WFORGE_COMMIT");
    println!("cargo::rustc-env=WFORGE_RUSTC={}", rustc().unwrap_or_default());
    println!("cargo::rustc-env=WFORGE_WASMTIME={}", wasmtime().unwrap_or_default());
}

/// Such as `rustc 1.95.0 (…)`.
#[expect(clippy::disallowed_methods, reason = "so cargo tells a build script which compiler it is")]
fn rustc() -> Option<String> {
    let rustc = std::env::var_os("RUSTC")?;
    let said = Command::new(rustc).arg("--version").output().ok()?;
    String::from_utf8(said.stdout).ok().map(|text| text.trim().to_owned())
}

/// The version of wasmtime, which does not tell it itself.
#[expect(clippy::disallowed_methods, reason = "a build script has no dependencies for one file")]
fn wasmtime() -> Option<String> {
    let lock = std::fs::read_to_string(LOCK).ok()?;
    let mut lines = lock.lines().skip_while(|line| *line != "name = \"wasmtime\"");
    let version = lines.nth(1)?.strip_prefix("version = \"")?;
    version.strip_suffix('"').map(str::to_owned)
}
