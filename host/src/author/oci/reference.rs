//! `oci://HOST/REPOSITORY[:TAG][@DIGEST]`: where a plugin is.

use std::fmt;
use std::str::FromStr;

use oci_client::Reference;
use semver::Version;
use wforge_model::Digest;

use crate::nearby::is_this_machine;

/// What every reference begins with.
pub(crate) const SCHEME: &str = "oci://";

/// A place in a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Text that is no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no reference to a plugin: {why}")]
pub(crate) struct BadReference {
    text: String,
    why: String,
}

impl PluginReference {
    /// Host and port of the registry.
    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository there.
    pub(crate) fn repository(&self) -> &str {
        &self.repository
    }

    /// Its tag, where one was written.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Its digest, where one was written.
    pub(crate) const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The same with a tag.
    pub(crate) fn with_tag(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), ..self.clone() }
    }

    /// The same, pinned to those bytes.
    pub(crate) fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// Whether its registry is on this machine, so that nobody listens in between.
    pub(crate) fn is_loopback(&self) -> bool {
        is_this_machine(self.registry.split(':').next().unwrap_or_default())
    }

    /// As the registry's client names it.
    pub(super) fn named(&self) -> Reference {
        let (registry, repository) = (self.registry.clone(), self.repository.clone());
        match (self.digest, &self.tag) {
            (Some(digest), _) => Reference::with_digest(registry, repository, digest.to_string()),
            (None, tag) => {
                let tag = tag.clone().unwrap_or_else(|| "latest".to_owned());
                Reference::with_tag(registry, repository, tag)
            }
        }
    }
}

impl FromStr for PluginReference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Self, BadReference> {
        let bad = |why: &str| BadReference { text: text.to_owned(), why: why.to_owned() };
        let rest = text.strip_prefix(SCHEME).ok_or_else(|| bad("it begins with oci://"))?;
        let without = "write oci://HOST/REPOSITORY:TAG, such as oci://ghcr.io/acme/crawler:1.0.0";
        let (host, path) = rest.split_once('/').ok_or_else(|| bad(without))?;
        // Without this a client takes the first word for a user of Docker's registry.
        if !(host.contains(['.', ':']) || host == "localhost") {
            return Err(bad(without));
        }
        let parsed: Reference = rest.parse().map_err(|error: oci_client::ParseError| {
            BadReference { text: text.to_owned(), why: error.to_string() }
        })?;
        let digest = parsed.digest().map(str::parse::<Digest>).transpose();
        let digest = digest.map_err(|_| bad("its digest is sha256: and 64 digits"))?;
        let tagged = path.split('@').next().unwrap_or_default().contains(':');
        Ok(Self {
            registry: parsed.registry().to_owned(),
            repository: parsed.repository().to_owned(),
            tag: parsed.tag().filter(|_| tagged).map(ToOwned::to_owned),
            digest,
        })
    }
}

impl fmt::Display for PluginReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

/// The tag of a version. Tags have no `+`, which versions may have.
pub(crate) fn tag_of(version: &Version) -> String {
    version.to_string().replace('+', "_")
}

/// The version of a tag; none where it says something else.
pub(crate) fn version_of(tag: &str) -> Option<Version> {
    Version::parse(&tag.replacen('_', "+", 1)).ok()
}

/// The newest version among tags: the highest that is released, else the highest of all.
pub(crate) fn newest<'a>(tags: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let versions = tags.filter_map(|tag| Some((version_of(tag)?, tag)));
    let newest =
        versions.max_by(|(a, _), (b, _)| (a.pre.is_empty(), a).cmp(&(b.pre.is_empty(), b)));
    newest.map(|(_, tag)| tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:4f1e0bd1b2f3c4a5968778695a4b3c2d1e0f4f1e0bd1b2f3c4a5968778695a4b";

    fn check(text: &str, parts: (&str, &str, Option<&str>, bool)) {
        let it: PluginReference = text.parse().unwrap();
        let found = (it.registry(), it.repository(), it.tag(), it.digest().is_some());
        assert_eq!(found, parts, "{text}");
        assert_eq!(it.to_string(), text);
    }

    #[test]
    fn a_reference_has_a_host_a_repository_and_perhaps_a_tag_and_a_digest() {
        check(
            "oci://ghcr.io/acme/crawler:1.0.0",
            ("ghcr.io", "acme/crawler", Some("1.0.0"), false),
        );
        check("oci://localhost:5000/crawler", ("localhost:5000", "crawler", None, false));
        let pinned = format!("oci://ghcr.io/acme/crawler@{DIGEST}");
        check(&pinned, ("ghcr.io", "acme/crawler", None, true));
        let both = format!("oci://127.0.0.1:5000/a/b:latest@{DIGEST}");
        check(&both, ("127.0.0.1:5000", "a/b", Some("latest"), true));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            "ghcr.io/acme/crawler",
            "oci://",
            "oci://crawler",
            "oci://acme/crawler:1.0.0",
            "oci://ghcr.io/Acme/crawler",
            "oci://ghcr.io/acme/crawler:a b",
            "oci://ghcr.io/acme/crawler@sha256:4f1e",
            "oci://ghcr.io/acme/crawler@md5:d41d8cd98f00b204e9800998ecf8427e",
            "https://ghcr.io/acme/crawler",
        ] {
            let error = text.parse::<PluginReference>().unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        let is = |text: &str| text.parse::<PluginReference>().unwrap().is_loopback();
        assert!(
            is("oci://localhost:5000/a") && is("oci://127.0.0.1:1/a") && is("oci://localhost/a")
        );
        assert!(!is("oci://localhost.example/a") && !is("oci://10.0.0.1:5000/a"));
    }

    #[test]
    fn the_newest_is_the_highest_release() {
        let of = |tags: &[&'static str]| newest(tags.iter().copied());
        assert_eq!(of(&["0.9.0", "0.10.0", "latest", "1.0.0-rc.1"]), Some("0.10.0"));
        assert_eq!(of(&["1.0.0-rc.1", "1.0.0-rc.2"]), Some("1.0.0-rc.2"));
        assert_eq!(of(&["latest", "main"]), None);
        let version: Version = "1.0.0+build.5".parse().unwrap();
        assert_eq!(version_of(&tag_of(&version)), Some(version));
    }
}
