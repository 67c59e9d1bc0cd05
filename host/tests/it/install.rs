//! scripts/install.sh, from a folder with a release: what is right is installed, nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::repo;

/// A folder with a release, and a home that it is installed into.
struct Release {
    folder: TempDir,
}

impl Release {
    /// With these programs in the archive for this machine.
    fn of(programs: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let inside = folder.path().join("wforge-0.1.0");
        fs_err::create_dir_all(&inside).unwrap();
        for program in programs {
            fs_err::write(inside.join(program), "#!/bin/sh\necho wforge 0.1.0\n").unwrap();
        }
        let archive = Self::archive();
        let tar = Command::new("tar")
            .args(["-czf", &archive, "wforge-0.1.0"])
            .current_dir(folder.path())
            .status();
        assert!(tar.expect("tar starts").success());
        let release = Self { folder };
        let bytes = fs_err::read(release.path(&archive)).unwrap();
        let digest: String =
            Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        release.write("SHA256SUMS", &format!("{digest}  {archive}\n"));
        release
    }

    fn archive() -> String {
        format!("wforge-0.1.0-{}-unknown-linux-gnu.tar.gz", std::env::consts::ARCH)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.path(name), text).unwrap();
    }

    /// Whether it went well, and what it said.
    fn install(&self, version: &str) -> (bool, String) {
        let output = Command::new("sh")
            .arg(repo::root().join("scripts/install.sh"))
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.path("home"))
            .env("WFORGE_RELEASES", self.folder.path())
            .env("WFORGE_VERSION", version)
            .output()
            .expect("sh starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).expect("UTF-8"))
    }

    fn refuses(&self, version: &str, words: &str) {
        let (is_installed, said) = self.install(version);
        assert!(!is_installed && said.contains(words), "no \"{words}\" in {said}");
        assert!(!self.path("home/.local/bin").exists(), "something was installed: {said}");
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|file| file.permissions().mode() & 0o777 == 0o755)
}

#[test]
fn the_program_of_a_release_is_installed_for_its_user() {
    let release = Release::of(&["wforge"]);
    for version in ["0.1.0", ""] {
        let (is_installed, said) = release.install(version);
        assert!(is_installed, "{said}");
        let bin = release.path("home/.local/bin");
        assert!(is_program(&bin.join("wforge")), "{said}");
        assert!(said.contains("wforge 0.1.0 is in") && said.contains("export PATH="), "{said}");
        assert_eq!(fs_err::read_dir(&bin).unwrap().count(), 1, "nothing else is left there");
    }
}

#[test]
fn an_archive_with_another_digest_is_not_installed() {
    let release = Release::of(&["wforge"]);
    let sums = fs_err::read_to_string(release.path("SHA256SUMS")).unwrap();
    let (first, rest) = sums.split_at(1);
    let other = if first == "0" { "1" } else { "0" };
    release.write("SHA256SUMS", &format!("{other}{rest}"));
    release.refuses("0.1.0", "Nothing was installed");
}

#[test]
fn an_archive_that_was_changed_is_not_installed() {
    let release = Release::of(&["wforge"]);
    let mut bytes = fs_err::read(release.path(&Release::archive())).unwrap();
    bytes.push(0);
    fs_err::write(release.path(&Release::archive()), bytes).unwrap();
    release.refuses("0.1.0", "Nothing was installed");
}

#[test]
fn what_the_release_lacks_is_named() {
    let release = Release::of(&["wforge"]);
    release.refuses("9.9.9", "the release 9.9.9 has no archive for");
    release.write("SHA256SUMS", "no sums\n");
    release.refuses("0.1.0", "has no archive for");
    fs_err::remove_file(release.path("SHA256SUMS")).unwrap();
    release.refuses("0.1.0", "there is no file");
    Release::of(&["other"]).refuses("0.1.0", "the archive has no wforge;");
}
