//! Which Rust compiles guests: rustup's with the target, or Debian's own with std from source.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::{Fix, Missing};
use crate::author::machine::{Call, Machine};

/// The target of guests.
pub(crate) const TARGET: &str = "wasm32-wasip2";
/// Decides by hand: `auto`, `rustup` or `debian`.
const ROUTE: &str = "WFORGE_GUEST_ROUTE";
/// Flags for rustc, as cargo takes them before `RUSTFLAGS`; a folder in them may have a space.
const FLAGS: &str = "CARGO_ENCODED_RUSTFLAGS";
/// What stands between two of them.
const BETWEEN_FLAGS: &str = "\u{1f}";
/// What Debian's way needs.
const DEBIAN_PACKAGES: &str = "rustc-web cargo-web rust-web-src rust-web-llvm lld-22 wasi-libc";
/// Where Debian's wasi-libc is.
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";

/// A Rust that compiles guests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rust {
    cargo: PathBuf,
    route: Route,
    /// The compiler and its version.
    pub(crate) version: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Rustup,
    Debian,
}

/// Looks for a Rust that compiles guests; rustup first, as its toolchain is the author's.
pub(crate) async fn find(machine: &Machine, folder: &Path) -> Result<Rust, Missing> {
    let (rustup, debian) = match machine.variable(ROUTE).unwrap_or("auto") {
        "auto" => (true, true),
        "rustup" => (true, false),
        "debian" => (false, true),
        other => {
            let what = format!("{ROUTE} is \"{other}\"");
            return Err(Missing::new(what, "write auto, rustup or debian"));
        }
    };
    if rustup && let Some(found) = of_rustup(machine, folder).await {
        return Ok(found);
    }
    if debian && let Some(found) = of_debian(machine).await {
        return Ok(found);
    }
    Err(missing(machine))
}

fn missing(machine: &Machine) -> Missing {
    if machine.program("cargo").is_none() || machine.program("rustc").is_none() {
        let what = "Rust plugins need cargo and rustc, which are not in PATH";
        return Missing::new(what, "install Rust from https://rustup.rs");
    }
    let what = format!("the Rust in PATH does not compile for {TARGET}");
    if machine.program("rustup").is_some() {
        let mend = format!("rustup target add {TARGET}");
        return Missing::new(what, mend).fixed_by(Fix::RustTarget);
    }
    let mend = format!(
        "install Rust from https://rustup.rs and run rustup target add {TARGET}, or, on Debian, \
         sudo apt-get install -y --no-install-recommends {DEBIAN_PACKAGES}"
    );
    Missing::new(what, mend)
}

async fn of_rustup(machine: &Machine, folder: &Path) -> Option<Rust> {
    let (cargo, rustc) = (machine.program("cargo")?, machine.program("rustc")?);
    let asked = Call::of(&rustc).args(["--print", "sysroot"]).inside(folder);
    let sysroot = machine.run(asked).await.ok().filter(|ended| ended.is_success)?.stdout;
    let std = Path::new(sysroot.trim()).join("lib/rustlib").join(TARGET);
    let asked = Call::of(&rustc).arg("--version").inside(folder);
    let version = machine.run(asked).await.ok()?.stdout.trim().to_owned();
    std.is_dir().then_some(Rust { cargo, route: Route::Rustup, version })
}

async fn of_debian(machine: &Machine) -> Option<Rust> {
    let (cargo, rustc) = (PathBuf::from("/usr/bin/cargo"), PathBuf::from("/usr/bin/rustc"));
    if !cargo.is_file() || !rustc.is_file() {
        return None;
    }
    let asked = machine.run(Call::of(&rustc).args(["--print", "sysroot"])).await.ok()?;
    let std = "lib/rustlib/src/rust/library/std/Cargo.toml";
    let has_std = Path::new(asked.stdout.trim()).join(std).is_file();
    let has_libc = Path::new(DEBIAN_LIBC).join("libc.a").is_file();
    let version = machine.version(&rustc).await?;
    (has_std && has_libc).then_some(Rust { cargo, route: Route::Debian, version })
}

impl Rust {
    /// In words, for whoever wonders which one it is.
    pub(crate) fn said(&self) -> String {
        match self.route {
            Route::Rustup => format!("{}, with {TARGET}", self.version),
            Route::Debian => format!("Debian's {}, with std from source", self.version),
        }
    }

    /// `cargo build` for guests, in that folder.
    ///
    /// Folders of this machine stay out of what is compiled. Only those that are the same for every
    /// project are named: a flag that differs would have std and all crates built anew.
    pub(crate) fn build(&self, machine: &Machine, folder: &Path) -> Call {
        let cargo = Call::of(&self.cargo).inside(folder).args(["build", "--release", "--quiet"]);
        let cargo = cargo
            .args(["--target", TARGET, "--message-format", "json-render-diagnostics"])
            .variable(FLAGS, self.flags(machine));
        match self.route {
            Route::Rustup => cargo,
            Route::Debian => {
                let cargo = cargo.arg("-Zbuild-std=std,panic_abort");
                let cargo = cargo.variable("RUSTC", "/usr/bin/rustc");
                let cargo = cargo.variable("RUSTC_BOOTSTRAP", "1");
                match (machine.variable("CARGO_TARGET_DIR"), machine.cache()) {
                    // Std is built once for all projects, and not once in each of them.
                    (None, Some(cache)) => cargo.variable("CARGO_TARGET_DIR", cache.join("guests")),
                    _ => cargo,
                }
            }
        }
    }

    fn flags(&self, machine: &Machine) -> OsString {
        let mut flags: Vec<OsString> =
            match (machine.variable(FLAGS), machine.variable("RUSTFLAGS")) {
                (Some(encoded), _) => encoded.split(BETWEEN_FLAGS).map(Into::into).collect(),
                (None, Some(plain)) => plain.split_whitespace().map(Into::into).collect(),
                (None, None) => Vec::new(),
            };
        let mut rename = |from: PathBuf, to: &str| {
            let mut flag = OsString::from("--remap-path-prefix=");
            flag.push(from);
            flag.push("=");
            flag.push(to);
            flags.push(flag);
        };
        if let Some(home) = machine.variable("HOME") {
            rename(PathBuf::from(home), "/home");
        }
        if let Some(cargo) = machine.cargo_home() {
            rename(cargo, "/cargo");
        }
        if self.route == Route::Debian {
            flags.extend(["-L".into(), DEBIAN_LIBC.into()]);
        }
        flags.join(OsStr::new(BETWEEN_FLAGS))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn machine(variables: &[(&str, &str)]) -> Machine {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Machine::new(variables.iter().map(owned).collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn folders_of_this_machine_stay_out_of_components() {
        let rust = Rust { cargo: "cargo".into(), route: Route::Debian, version: String::new() };
        let flags = rust.flags(&machine(&[("HOME", "/home/a b"), ("RUSTFLAGS", "-g")]));
        let expected = [
            "-g",
            "--remap-path-prefix=/home/a b=/home",
            "--remap-path-prefix=/home/a b/.cargo=/cargo",
            "-L",
            "/usr/lib/wasm32-wasi",
        ];
        assert_eq!(flags, expected.join(BETWEEN_FLAGS).as_str());
        let both = machine(&[(FLAGS, "-C\u{1f}debuginfo=1"), ("RUSTFLAGS", "-g")]);
        let flags = rust.flags(&both);
        assert_eq!(flags, "-C\u{1f}debuginfo=1\u{1f}-L\u{1f}/usr/lib/wasm32-wasi");
    }

    #[tokio::test]
    async fn a_machine_without_rust_is_told_where_it_comes_from() {
        let missing = find(&machine(&[(ROUTE, "rustup")]), Path::new("/")).await.unwrap_err();
        assert!(missing.mend.contains("https://rustup.rs"), "{missing:?}");
        let wrong = find(&machine(&[(ROUTE, "gcc")]), Path::new("/")).await.unwrap_err();
        assert_eq!(wrong.to_string(), "WFORGE_GUEST_ROUTE is \"gcc\"");
    }
}
