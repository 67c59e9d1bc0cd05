//! `server.json`: says that a server holds the data directory, where it listens, and the token
//! with which its owner's commands reach it.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secrets::{refuse_readable_by_others, replace_private};

/// Long enough for a busy machine; a server that was killed refuses at once.
const ALIVE_TIMEOUT: Duration = Duration::from_secs(3);

/// What the file says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServerFile {
    /// Where commands on this machine reach it, without TLS.
    pub(crate) address: SocketAddr,
    /// Where others do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) public: Option<String>,
    /// An API key for the tenant `default`.
    pub(crate) token: String,
    /// The server's process.
    pub(crate) pid: u32,
    /// Its version.
    pub(crate) version: String,
}

impl ServerFile {
    fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("server.json")
    }

    /// The server's address for clients.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the file says; none where there is none.
    pub(crate) fn read(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = Self::path(data_dir);
        match fs_err::read(&path) {
            Ok(bytes) => {
                refuse_readable_by_others(&path)?;
                // A half-written file cannot be: it is replaced as a whole.
                Ok(Some(serde_json::from_slice(&bytes)?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, where somebody answers at that address. A server that was killed leaves its file
    /// behind, and then nobody holds the data directory.
    pub(crate) async fn of_a_living_server(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(file) = Self::read(data_dir)? else { return Ok(None) };
        if !is_alive(file.pid) {
            return Ok(None);
        }
        let http = reqwest::Client::builder().timeout(ALIVE_TIMEOUT).no_proxy().build()?;
        let alive = http.get(format!("{}/healthz", file.url())).send().await;
        Ok(alive.is_ok_and(|response| response.status().is_success()).then_some(file))
    }

    /// Writes the file.
    pub(crate) fn write(&self, data_dir: &Path) -> anyhow::Result<()> {
        replace_private(&Self::path(data_dir), &serde_json::to_vec_pretty(self)?)
    }

    /// Takes the file away, if it is still this server's.
    pub(crate) fn remove(&self, data_dir: &Path) -> anyhow::Result<()> {
        if Self::read(data_dir)?.as_ref() == Some(self) {
            fs_err::remove_file(Self::path(data_dir))?;
        }
        Ok(())
    }
}

/// Whether a process of that number runs. Where the system does not tell, it may: then only the
/// address says.
fn is_alive(pid: u32) -> bool {
    !Path::new("/proc/self").exists() || Path::new("/proc").join(pid.to_string()).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_taken_away_by_its_own_server_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = |pid| ServerFile {
            address: "127.0.0.1:7420".parse().unwrap(),
            public: None,
            token: "wf_x".into(),
            pid,
            version: "0".into(),
        };
        assert_eq!(ServerFile::read(folder.path()).unwrap(), None);
        file(1).write(folder.path()).unwrap();
        file(2).write(folder.path()).unwrap();
        file(1).remove(folder.path()).unwrap();
        assert_eq!(ServerFile::read(folder.path()).unwrap(), Some(file(2)));
        file(2).remove(folder.path()).unwrap();
        assert_eq!(ServerFile::read(folder.path()).unwrap(), None);
    }
}
