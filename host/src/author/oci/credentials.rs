//! Who a registry is asked by: nobody, a name with a password, or whoever `docker login` keeps.

use std::io::ErrorKind;
use std::path::Path;

use docker_credential::{CredentialRetrievalError, DockerCredential};
use oci_client::secrets::RegistryAuth;

/// The largest `config.json` that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How each helper program says that it keeps no login of a registry; docker looks for it too.
const KEPT_NONE: &str = "credentials not found in native keychain";

/// What docker keeps of a registry and cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CredentialError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Its helper program did not give what it keeps.
    #[error("{path} has no usable login of {registry}: {why}")]
    Unusable {
        /// The file.
        path: String,
        /// Of which registry.
        registry: String,
        /// Why.
        why: String,
    },
}

/// The login of a registry in docker's file; nobody where there is no file, or none in it.
pub(crate) fn of_docker(path: &Path, registry: &str) -> Result<RegistryAuth, CredentialError> {
    let shown = || path.display().to_string();
    let unreadable = |why: String| CredentialError::Unreadable { path: shown(), why };
    match fs_err::metadata(path) {
        Ok(file) if file.len() > FILE_BYTES_MAX => {
            return Err(unreadable(format!("it has more than {FILE_BYTES_MAX} bytes")));
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(error) => return Err(unreadable(error.to_string())),
    }
    let text = fs_err::read(path).map_err(|error| unreadable(error.to_string()))?;
    let unusable = |why: String| CredentialError::Unusable {
        path: shown(),
        registry: registry.to_owned(),
        why,
    };
    match docker_credential::get_credential_from_reader(text.as_slice(), registry) {
        Ok(DockerCredential::UsernamePassword(name, password)) => {
            Ok(RegistryAuth::Basic(name, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => {
            Err(unusable("it is an identity token, which is not understood here".to_owned()))
        }
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
        Err(CredentialRetrievalError::ConfigReadError) => {
            Err(unreadable("it is no JSON of docker's".to_owned()))
        }
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.trim() == KEPT_NONE =>
        {
            Ok(RegistryAuth::Anonymous)
        }
        // What else a helper says may be what it keeps.
        Err(CredentialRetrievalError::HelperFailure { helper, .. }) => {
            Err(unusable(format!("{helper} failed")))
        }
        Err(error) => Err(unusable(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn of(text: &str, registry: &str) -> Result<RegistryAuth, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        fs_err::write(&path, text).unwrap();
        of_docker(&path, registry).map_err(|error| error.to_string())
    }

    #[test]
    fn a_login_counts_for_its_registry_alone() {
        let auth = STANDARD.encode("me:secret:with:colons");
        let text = format!(r#"{{"auths":{{"r.example:5000":{{"auth":"{auth}"}}}}}}"#);
        let basic = RegistryAuth::Basic("me".into(), "secret:with:colons".into());
        assert_eq!(of(&text, "r.example:5000"), Ok(basic));
        assert_eq!(of(&text, "other.example"), Ok(RegistryAuth::Anonymous));
        assert_eq!(of("{}", "r.example:5000"), Ok(RegistryAuth::Anonymous));
        let missing = of_docker(Path::new("/does/not/exist"), "r.example");
        assert_eq!(missing.unwrap(), RegistryAuth::Anonymous);
    }

    #[test]
    fn what_cannot_be_used_is_no_login_of_nobody() {
        assert!(of("{", "r.example").unwrap_err().contains("no JSON"));
        let token = r#"{"auths":{"r.example":{"identitytoken":"t"}}}"#;
        assert!(of(token, "r.example").unwrap_err().contains("identity token"));
        let helper = r#"{"credHelpers":{"r.example":"of-nobody"}}"#;
        assert!(of(helper, "r.example").unwrap_err().contains("no usable login of r.example"));
        let large = format!("{{}}{}", " ".repeat(1 << 20));
        assert!(of(&large, "r.example").unwrap_err().contains("more than 1048576 bytes"));
    }
}
