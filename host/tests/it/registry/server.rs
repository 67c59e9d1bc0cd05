//! Runs docker-registry on a free port of this machine.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tempfile::TempDir;

use crate::harness::tool;

/// The password of [`NAME`]; the hash of bcrypt below is its.
pub(super) const PASSWORD: &str = "abc123xyz";
/// Who may do everything where somebody is asked for.
pub(super) const NAME: &str = "me";
const HASH: &str = "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";

/// A registry of its own folder, killed when it is dropped.
#[derive(Debug)]
#[must_use = "a registry that nobody asks proves nothing"]
pub(super) struct Registry {
    folder: TempDir,
    child: Child,
    address: String,
}

impl Registry {
    /// One that anybody may use.
    pub(super) fn start() -> Self {
        Self::with("", "")
    }

    /// One that asks who it is.
    pub(super) fn with_login() -> Self {
        Self::with("", "auth: { htpasswd: { realm: registry, path: FOLDER/htpasswd } }\n")
    }

    /// One with TLS, and a certificate of its own making.
    pub(super) fn with_tls() -> Self {
        Self::with(", tls: { certificate: FOLDER/cert.pem, key: FOLDER/key.pem }", "")
    }

    /// The certificate of one with TLS.
    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn with(tls: &str, auth: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let shown = folder.path().display().to_string();
        let config = format!(
            "version: 0.1
log: {{ level: info, formatter: text, accesslog: {{ disabled: true }} }}
storage: {{ filesystem: {{ rootdirectory: FOLDER/data }}, delete: {{ enabled: true }} }}
http: {{ addr: '127.0.0.1:0'{tls} }}
{auth}"
        );
        let file = folder.path().join("config.yml");
        fs_err::write(&file, config.replace("FOLDER", &shown)).unwrap();
        fs_err::write(folder.path().join("htpasswd"), format!("{NAME}:{HASH}\n")).unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        fs_err::write(folder.path().join("cert.pem"), cert.pem()).unwrap();
        fs_err::write(folder.path().join("key.pem"), signing_key.serialize_pem()).unwrap();
        let mut command = tool("docker-registry");
        command.arg("serve").arg(&file).stdin(Stdio::null());
        command.env("OTEL_TRACES_EXPORTER", "none").current_dir(folder.path());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let address = await_address(&mut child);
        Self { folder, child, address }
    }

    /// A repository of it.
    pub(super) fn reference(&self, repository: &str) -> String {
        format!("oci://{}/{repository}", self.address)
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The bytes that it keeps of a digest.
    pub(super) fn blob(&self, digest: &str) -> Vec<u8> {
        fs_err::read(self.file(digest)).unwrap()
    }

    /// Puts other bytes where those of a digest were, as somebody who owns its disk may.
    pub(super) fn exchange(&self, digest: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        fs_err::write(self.file(digest), change(self.blob(digest))).unwrap();
    }

    /// Loses the bytes of a digest.
    pub(super) fn lose(&self, digest: &str) {
        fs_err::remove_file(self.file(digest)).unwrap();
    }

    fn file(&self, digest: &str) -> PathBuf {
        let hex = digest.strip_prefix("sha256:").expect("a digest");
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        blobs.join(&hex[..2]).join(hex).join("data")
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Reads its log until it says where it listens; the rest is read on beside.
fn await_address(child: &mut Child) -> String {
    let mut log = BufReader::new(child.stderr.take().expect("its stderr"));
    let mut said = String::new();
    let address = loop {
        let mut line = String::new();
        let read = log.read_line(&mut line).expect("its log is UTF-8");
        said.push_str(&line);
        assert!(read > 0, "docker-registry ended:\n{said}");
        if let Some((_, rest)) = line.split_once("listening on ") {
            let ends = |c: char| c == '"' || c == ',' || c.is_whitespace();
            break rest.split(ends).next().unwrap_or_default().to_owned();
        }
    };
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            line.clear();
        }
    });
    address
}
