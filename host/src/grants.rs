//! The operator's grants: read from their file here, checked against a plugin's needs elsewhere.
//!
//! A missing file grants nothing.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use wforge_effects::GrantsFile;
use wforge_engine::GrantPolicy;
use wforge_model::{Capability, NodeId, PluginName, TenantId};

use crate::watched::Watched;

/// Reads the file; nothing is granted where there is none.
pub(crate) fn load(path: &Path) -> anyhow::Result<GrantsFile> {
    match fs_err::read_to_string(path) {
        Ok(text) => GrantsFile::parse(&text).with_context(|| format!("reading {}", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(GrantsFile::default()),
        Err(error) => Err(error.into()),
    }
}

/// In a few words.
pub(crate) fn summary(file: &GrantsFile) -> String {
    match file.iter().count() {
        0 => "grants nothing to anybody".to_owned(),
        1 => "1 grant".to_owned(),
        many => format!("{many} grants"),
    }
}

/// The operator's grants, as the file says them now.
#[derive(Debug)]
pub(crate) struct Grants(pub(crate) Watched<GrantsFile>);

impl GrantPolicy for Grants {
    fn granted(&self, tenant: &TenantId, plugin: &PluginName) -> Vec<Capability> {
        self.0.get().granted(tenant, plugin)
    }

    fn permits(&self, tenant: &TenantId, wanted: &Capability) -> bool {
        self.0.get().permits(tenant, wanted)
    }

    fn exempts(&self, tenant: &TenantId, workflow: &str, from: &NodeId, to: &NodeId) -> bool {
        self.0.get().exempts(tenant, workflow, from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_grants_nothing() {
        let file = load(Path::new("/nowhere/grants.toml")).unwrap();
        assert_eq!(summary(&file), "grants nothing to anybody");
    }

    #[test]
    fn what_is_no_capability_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.toml");
        fs_err::write(&path, "[[grant]]\nplugin = \"a/b\"\ncapabilities = [\"root\"]").unwrap();
        let error = format!("{:#}", load(&path).unwrap_err());
        assert!(error.contains("line 3") && error.contains("\"root\" is no capa"), "{error}");
    }
}
