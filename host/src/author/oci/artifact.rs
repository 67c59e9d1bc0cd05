//! What lies in a registry: a manifest, a configuration, and the component as the one layer, as the
//! CNCF's "Wasm OCI Artifact layout" wants it, so that other tools can read it.
//!
//! The same component with the same signature makes the same bytes: no clock is asked.

use std::collections::BTreeMap;

use oci_client::manifest::{OCI_IMAGE_MEDIA_TYPE, OciDescriptor, OciImageManifest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use wforge_model::Digest;
use wforge_model::manifest::{Manifest, PluginName};
use wforge_runtime::Inspected;

use super::RegistryError;

/// Of the configuration: what makes the artifact one of WebAssembly.
pub(crate) const CONFIG_MEDIA_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// Of the component.
pub(crate) const LAYER_MEDIA_TYPE: &str = "application/wasm";
/// The layer's annotation with the text of its `.minisig` file.
pub(crate) const SIGNATURE: &str = "io.github.workflowforge.minisig";

const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";
const LICENSES: &str = "org.opencontainers.image.licenses";
const DESCRIPTION: &str = "org.opencontainers.image.description";
const SOURCE: &str = "org.opencontainers.image.source";

/// The largest component that is fetched, in bytes, as of one that is read from a file; the sandbox
/// has a limit of its own.
pub(crate) const COMPONENT_BYTES_MAX: u64 = 256 << 20;
/// The largest manifest of an artifact, in bytes. Ours have two KiB.
pub(crate) const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// An artifact that is to be pushed.
#[derive(Debug, Clone)]
pub(crate) struct Artifact {
    /// The bytes of the manifest.
    pub(crate) manifest: Vec<u8>,
    /// Their digest, which pins everything.
    pub(crate) digest: Digest,
    /// The bytes of the configuration.
    pub(crate) config: Vec<u8>,
    /// The digest of the component.
    pub(crate) component: Digest,
}

/// The configuration, with the fields that the layout asks for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    created: &'static str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: [String; 1],
    component: World<'a>,
}

#[derive(Serialize)]
struct World<'a> {
    imports: &'a [String],
    exports: &'a [String],
}

/// The SHA-256 of some bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

/// What a component is called as a file.
pub(crate) fn file_name(name: &PluginName) -> String {
    format!("{}.wasm", name.as_str().replace('/', "-"))
}

impl Artifact {
    /// Of a component, with its signature where it has one.
    pub(crate) fn of(
        inspected: &Inspected,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<Self, serde_json::Error> {
        let component = digest_of(bytes);
        let config = serde_json::to_vec(&Config {
            // A moment would make each push another artifact.
            created: "1970-01-01T00:00:00Z",
            architecture: "wasm",
            os: "wasip2",
            layer_digests: [component.to_string()],
            component: World { imports: &inspected.imports, exports: &inspected.exports },
        })?;
        let said = &inspected.manifest;
        let mut of_layer = BTreeMap::from([(TITLE.to_owned(), file_name(&said.name))]);
        of_layer.extend(signature.map(|text| (SIGNATURE.to_owned(), text.to_owned())));
        let layer = OciDescriptor {
            annotations: Some(of_layer),
            ..descriptor(LAYER_MEDIA_TYPE, bytes, component)
        };
        let manifest = serde_json::to_vec(&OciImageManifest {
            media_type: Some(OCI_IMAGE_MEDIA_TYPE.to_owned()),
            config: descriptor(CONFIG_MEDIA_TYPE, &config, digest_of(&config)),
            layers: vec![layer],
            annotations: Some(annotations(said)),
            ..OciImageManifest::default()
        })?;
        Ok(Self { digest: digest_of(&manifest), manifest, config, component })
    }
}

fn descriptor(media_type: &str, bytes: &[u8], digest: Digest) -> OciDescriptor {
    OciDescriptor {
        media_type: media_type.to_owned(),
        digest: digest.to_string(),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        ..OciDescriptor::default()
    }
}

fn annotations(manifest: &Manifest) -> BTreeMap<String, String> {
    let always = [(TITLE, manifest.name.to_string()), (VERSION, manifest.version.to_string())];
    let perhaps = [
        (LICENSES, &manifest.license),
        (DESCRIPTION, &manifest.description),
        (SOURCE, &manifest.repository),
    ];
    let perhaps = perhaps.into_iter().filter_map(|(key, value)| Some((key, value.clone()?)));
    always.into_iter().chain(perhaps).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What the manifest of a plugin says: which bytes, how many, and their signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// The digest of the component.
    pub(crate) component: Digest,
    /// How large it is.
    pub(crate) bytes: u64,
    /// The text of its signature file.
    pub(crate) signature: Option<String>,
}

/// As much of any manifest as says what it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    media_type: Option<String>,
    config: Option<Of>,
    layers: Option<Vec<Of>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Of {
    media_type: String,
}

impl Listed {
    /// Reads what a registry has of a manifest.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RegistryError> {
        let kind: Kind = serde_json::from_slice(bytes)
            .map_err(|error| RegistryError::NoPlugin(format!("its manifest is none: {error}")))?;
        check_kind(&kind)?;
        let manifest: OciImageManifest = serde_json::from_slice(bytes)
            .map_err(|error| RegistryError::NoPlugin(format!("its manifest is none: {error}")))?;
        let Some(OciDescriptor { digest, size, annotations, .. }) = manifest.layers.first() else {
            return Err(RegistryError::NoPlugin("it has no layer".to_owned()));
        };
        let component = digest.parse().map_err(|_| {
            RegistryError::NoPlugin(format!("the digest of its layer is \"{digest}\", no sha256"))
        })?;
        let bytes = u64::try_from(*size)
            .map_err(|_| RegistryError::NoPlugin(format!("its layer has {size} bytes")))?;
        let signature = annotations.as_ref().and_then(|all| all.get(SIGNATURE)).cloned();
        Ok(Self { component, bytes, signature })
    }
}

fn check_kind(kind: &Kind) -> Result<(), RegistryError> {
    let media_type = kind.media_type.as_deref().unwrap_or(OCI_IMAGE_MEDIA_TYPE);
    let no_plugin = |what: String| Err(RegistryError::NoPlugin(what));
    if media_type != OCI_IMAGE_MEDIA_TYPE {
        return no_plugin(format!("its manifest is of the type {media_type}"));
    }
    match &kind.config {
        Some(Of { media_type }) if media_type == CONFIG_MEDIA_TYPE => {}
        Some(Of { media_type }) => {
            return no_plugin(format!(
                "its configuration is of the type {media_type}, not {CONFIG_MEDIA_TYPE}"
            ));
        }
        None => return no_plugin("it has no configuration".to_owned()),
    }
    match kind.layers.as_deref().unwrap_or_default() {
        [Of { media_type }] if media_type == LAYER_MEDIA_TYPE => Ok(()),
        [Of { media_type }] => {
            no_plugin(format!("its layer is of the type {media_type}, not {LAYER_MEDIA_TYPE}"))
        }
        layers => no_plugin(format!("it has {} layers, not one", layers.len())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn inspected() -> Inspected {
        let manifest = json!({
            "name": "acme/crawler", "version": "1.0.0", "license": "MIT",
            "description": "Crawls.", "agents": [{}],
        });
        Inspected {
            manifest: serde_json::from_value(manifest).unwrap(),
            api: "0.1.0".into(),
            imports: vec!["workflowforge:plugin/log@0.1.0".into()],
            exports: vec!["workflowforge:plugin/agent@0.1.0".into()],
        }
    }

    #[test]
    fn an_artifact_reads_back_and_is_always_the_same() {
        let made = Artifact::of(&inspected(), b"wasm", Some("signature\n")).unwrap();
        let again = Artifact::of(&inspected(), b"wasm", Some("signature\n")).unwrap();
        assert_eq!(made.digest, again.digest);
        let read = Listed::read(&made.manifest).unwrap();
        let signature = Some("signature\n".to_owned());
        assert_eq!(read, Listed { component: digest_of(b"wasm"), bytes: 4, signature });
        let unsigned = Artifact::of(&inspected(), b"wasm", None).unwrap();
        assert_eq!(Listed::read(&unsigned.manifest).unwrap().signature, None);
        assert_ne!(unsigned.digest, made.digest);
    }

    #[test]
    fn an_artifact_says_what_other_tools_look_for() {
        let made = Artifact::of(&inspected(), b"wasm", None).unwrap();
        let manifest: Value = serde_json::from_slice(&made.manifest).unwrap();
        assert_eq!(manifest["mediaType"], OCI_IMAGE_MEDIA_TYPE);
        assert_eq!(manifest["config"]["mediaType"], CONFIG_MEDIA_TYPE);
        assert_eq!(manifest["layers"][0]["mediaType"], LAYER_MEDIA_TYPE);
        assert_eq!(manifest["layers"][0]["annotations"][TITLE], "acme-crawler.wasm");
        let said = json!({ TITLE: "acme/crawler", VERSION: "1.0.0", LICENSES: "MIT",
            DESCRIPTION: "Crawls." });
        assert_eq!(manifest["annotations"], said);
        let config: Value = serde_json::from_slice(&made.config).unwrap();
        assert_eq!(config["layerDigests"], json!([made.component]));
        assert_eq!((&config["os"], &config["architecture"]), (&json!("wasip2"), &json!("wasm")));
        assert_eq!(config["component"]["exports"][0], "workflowforge:plugin/agent@0.1.0");
    }

    #[test]
    fn what_is_no_plugin_says_what_it_is() {
        let made = Artifact::of(&inspected(), b"wasm", None).unwrap();
        let check = |change: &dyn Fn(&mut Value), says: &str| {
            let mut manifest: Value = serde_json::from_slice(&made.manifest).unwrap();
            change(&mut manifest);
            let bytes = serde_json::to_vec(&manifest).unwrap();
            let error = Listed::read(&bytes).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        let index = "application/vnd.oci.image.index.v1+json";
        check(&|m| m["mediaType"] = json!(index), index);
        let image = "application/vnd.oci.image.config.v1+json";
        check(&|m| m["config"]["mediaType"] = json!(image), image);
        check(&|m| m["layers"][0]["mediaType"] = json!("application/gzip"), "application/gzip");
        check(&|m| m["layers"] = json!([]), "0 layers");
        check(&|m| m["layers"] = json!([m["layers"][0], m["layers"][0]]), "2 layers");
        check(&|m| m["layers"][0]["digest"] = json!("md5:1"), "md5:1");
        check(&|m| m["layers"][0]["size"] = json!(-1), "-1 bytes");
        check(&|m| *m = json!("text"), "its manifest is none");
    }
}
