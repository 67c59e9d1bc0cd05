//! Keys and signatures of authors: made here and taken by the program minisign, and the other way.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::harness::{Cli, Ran, tool};

/// A person at home with something to sign.
struct Author {
    cli: Cli,
    home: PathBuf,
}

impl Author {
    fn new() -> Self {
        let cli = Cli::at_home();
        let file = cli.file("plugin.wasm", b"\0asm of somebody");
        let home = file.parent().expect("a folder").to_owned();
        Self { cli, home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    fn run(&self, args: &str) -> Ran {
        self.cli.run(args.split(' '))
    }

    /// The program, with that on its stdin; whether it was content, and what it said.
    fn minisign(&self, args: &str, stdin: &str) -> (bool, String) {
        let mut command = tool("minisign");
        let piped = Stdio::piped;
        command.args(args.split(' ')).current_dir(&self.home).env("HOME", &self.home);
        let mut child =
            command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().expect("it starts");
        child.stdin.take().expect("its stdin").write_all(stdin.as_bytes()).unwrap();
        let output = child.wait_with_output().expect("it ends");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }
}

fn mode(file: &Path) -> u32 {
    fs_err::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_signed_here_the_program_minisign_verifies() {
    let author = Author::new();
    let public = author.run("keygen --out acme.key --no-password").exits(0).stdout.clone();
    assert_eq!(mode(&author.path("acme.key")), 0o600);
    author.run("sign plugin.wasm --key acme.key --comment reviewed").exits(0);
    let (verified, said) = author.minisign("-V -p acme.pub -m plugin.wasm", "");
    assert!(verified, "{said}");
    for word in ["file:plugin.wasm", "timestamp:", "hashed", "reviewed"] {
        assert!(said.contains(word), "no {word} in {said}");
    }
    let verified = author.run(&format!("verify plugin.wasm --public-key {}", public.trim()));
    verified.exits(0).says(&["verified", "plugin.wasm", "reviewed"]);
    // The program signs with the same key.
    let (signed, said) = author.minisign("-S -W -s acme.key -m plugin.wasm", "");
    assert!(signed, "{said}");
    author.run("verify plugin.wasm --public-key acme.pub").exits(0);
}

#[test]
fn a_key_with_a_password_opens_here_and_there() {
    let author = Author::new();
    author.cli.file("password", "correct horse\n");
    author.cli.file("wrong", "wrong\n");
    fs_err::set_permissions(author.path("password"), Permissions::from_mode(0o600)).unwrap();
    let made = author.run("keygen --out acme.key --password-file password --output json");
    assert_eq!(made.exits(0).json()["sealed"], true);
    let (signed, said) = author.minisign("-S -s acme.key -m plugin.wasm", "correct horse\n");
    assert!(signed, "{said}");
    author.run("verify plugin.wasm --public-key acme.pub").exits(0);
    let wrong = author.run("sign plugin.wasm --key acme.key --password-file wrong");
    wrong.exits(2).says(&["wrong_password", "acme.key"]);
    author
        .run("sign plugin.wasm --key acme.key")
        .exits(2)
        .says(&["no_password", "--password-file"]);
}

#[test]
fn a_key_of_the_program_signs_here() {
    let author = Author::new();
    let password = "correct horse\n";
    let (made, said) =
        author.minisign("-G -p theirs.pub -s theirs.key", &[password, password].concat());
    assert!(made, "{said}");
    author.cli.file("password", password);
    author.run("sign plugin.wasm --key theirs.key --password-file password").exits(0);
    let (verified, said) = author.minisign("-V -p theirs.pub -m plugin.wasm", "");
    assert!(verified, "{said}");
    author.run("verify plugin.wasm --public-key theirs.pub").exits(0);
}

#[test]
fn no_key_is_ever_overwritten() {
    let author = Author::new();
    author.run("keygen --out acme.key --no-password").exits(0);
    let before = fs_err::read(author.path("acme.key")).unwrap();
    let again = author.run("keygen --out acme.key --no-password");
    again.exits(2).says(&["key_exists", "acme.key", "--out"]);
    fs_err::remove_file(author.path("acme.key")).unwrap();
    author.run("keygen --out acme.key --no-password").exits(2).says(&["key_exists", "acme.pub"]);
    fs_err::write(author.path("acme.key"), before).unwrap();
    author.run("keygen --out other.pub --no-password").exits(2).says(&["other.pub", "secret key"]);
    author.run("keygen --out new.key").exits(2).says(&["no_password", "--password-file"]);
    assert!(!author.path("new.key").exists());
}

#[test]
fn a_key_without_a_name_is_in_the_persons_own_folder() {
    let author = Author::new();
    author.run("keygen --no-password --quiet").exits(0);
    let folder = author.path(".config/wforge");
    assert_eq!(mode(&folder), 0o700);
    let signed = author.run("sign plugin.wasm --output json").exits(0).json();
    assert_eq!(signed["signature"], "plugin.wasm.minisig");
    let public = folder.join("signing.pub");
    let public = public.to_str().expect("UTF-8");
    author.run(&format!("verify plugin.wasm --public-key {public}")).exits(0);
    fs_err::set_permissions(folder.join("signing.key"), Permissions::from_mode(0o644)).unwrap();
    author.run("sign plugin.wasm").exits(2).says(&["bad_key", "chmod 600"]);
}

#[test]
fn a_signature_that_is_not_right_says_why() {
    let author = Author::new();
    author.run("keygen --out acme.key --no-password").exits(0);
    author.run("keygen --out other.key --no-password").exits(0);
    let verify = "verify plugin.wasm --public-key acme.pub";
    author.run(verify).exits(2).says(&["unsigned", "plugin.wasm.minisig", "wforge sign"]);
    author.run("sign plugin.wasm --key acme.key").exits(0);
    author.run("verify plugin.wasm --public-key other.pub").exits(2).says(&["unknown_signer"]);
    author.cli.file("plugin.wasm", b"\0asm of a thief");
    author.run(verify).exits(2).says(&["bad_signature", "was changed"]);
    let (_, said) = author.minisign("-S -l -W -s acme.key -m plugin.wasm", "");
    author.run(verify).exits(2).says(&["bad_signature", "old form"]);
    assert!(!said.contains("No such"), "{said}");
    author.cli.file("plugin.wasm.minisig", "no signature");
    author.run(verify).exits(2).says(&["bad_signature", "four lines"]);
    author
        .run("verify plugin.wasm --public-key RWnonsense")
        .exits(2)
        .says(&["bad_key", "minisign"]);
    for missing in ["none.pub", "RW-none.pub", "keys/none"] {
        let ran = author.run(&format!("verify plugin.wasm --public-key {missing}"));
        ran.exits(2).says(&["bad_key", "there is no file", missing, "acme.pub"]);
    }
    author.run("sign plugin.wasm --key acme.pub").exits(2).says(&["bad_key", "public key"]);
    author.run("sign plugin.wasm --key none.key").exits(2).says(&["no_key", "wforge keygen"]);
    author.run("sign none.wasm --key acme.key").exits(2).says(&["none.wasm"]);
    author
        .cli
        .run(["sign", "plugin.wasm", "--key", "acme.key", "--comment", "two\nlines"])
        .exits(2)
        .says(&["--comment", "one line"]);
}

/// They say nothing of a host, so a broken configuration is none of their business.
#[test]
fn keys_and_signatures_need_no_configuration() {
    let author = Author::new();
    author.cli.file("wforge.toml", "this is [no TOML");
    author.run("keygen --out acme.key --no-password").exits(0);
    author.run("sign plugin.wasm --key acme.key").exits(0);
    author.run("verify plugin.wasm --public-key acme.pub").exits(0);
    assert!(!author.path(".wforge").exists(), "a store was opened");
}
