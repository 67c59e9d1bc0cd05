//! The operator's grants and caps: read from their file here; a plugin's needs are checked against
//! the grants elsewhere.
//!
//! A missing file grants nothing.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use wforge_effects::GrantsFile;
use wforge_engine::GrantPolicy;
use wforge_model::limits::SandboxLimits;
use wforge_model::{Capability, NodeId, PluginName, TenantId};
use wforge_ports::LimitPolicy;

use crate::watched::Watched;

/// Reads the file; nothing is granted where there is none.
pub(crate) fn load(path: &Path) -> anyhow::Result<GrantsFile> {
    match fs_err::read_to_string(path) {
        Ok(text) => GrantsFile::parse(&text).with_context(|| format!("reading {}", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(GrantsFile::default()),
        Err(error) => Err(error.into()),
    }
}

/// Reads the file, of which no cap may be higher than these limits.
pub(crate) fn load_within(path: &Path, limits: &SandboxLimits) -> anyhow::Result<GrantsFile> {
    let file = load(path)?;
    file.check_caps(limits).with_context(|| format!("reading {}", path.display()))?;
    Ok(file)
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

/// What the caps of the file leave of the configuration's limits.
#[derive(Debug)]
struct Caps {
    grants: Arc<Grants>,
    limits: SandboxLimits,
}

/// Opens the file: what it grants, and what it leaves of these limits. A cap that is higher is
/// refused; in a file that is read again later it caps nothing.
pub(crate) fn open(
    path: &Path,
    limits: &SandboxLimits,
) -> anyhow::Result<(Arc<Grants>, Arc<dyn LimitPolicy>)> {
    load_within(path, limits)?;
    let grants = Arc::new(Grants(Watched::open(path, load)?));
    let caps = Caps { grants: Arc::clone(&grants), limits: limits.clone() };
    Ok((grants, Arc::new(caps)))
}

impl LimitPolicy for Caps {
    fn limits(&self, tenant: &TenantId, plugin: &PluginName) -> SandboxLimits {
        self.grants.0.get().limits(&self.limits, tenant, plugin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_above_the_configuration_is_named_with_its_line_and_both_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.toml");
        let text = "# Caps\n\n[[cap]]\nreason = \"none\"\ntimers_max = 65\n";
        fs_err::write(&path, text).unwrap();
        let error = load_within(&path, &SandboxLimits::default()).unwrap_err();
        let expected = "line 3: timers_max = 65 is more than limits.sandbox.timers_max allows \
            anybody, 64";
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    }

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
