//! Has the program built anew when a file that it carries along comes, changes or goes. The macro
//! that reads the folders sees files that it knows, but not new ones.

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
}
