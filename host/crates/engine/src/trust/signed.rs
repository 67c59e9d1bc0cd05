//! Signatures of what is installed: checked before anything is compiled, kept by the component's
//! digest, attached to what was installed without one.

use std::sync::Arc;

use semver::Version;
use wforge_model::trust::{Distrust, DistrustCode, KeyState, SignedComponent, Signer, TrustedKey};
use wforge_model::{PluginName, TenantId};
use wforge_ports::plugins::{AdmissionError, Admitted, Gate};
use wforge_ports::store::{Collection, Put};

use super::minisign::{BadSignature, Minisign, PublicKey};
use super::requires_signed;
use crate::quarantine;
use crate::request::{EngineError, PluginUpload};
use crate::service::{Shared, check_open};
use crate::tenancy::{Entry, to_value, write};

/// A signature that is of the bytes, by a key that the tenant trusts.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub(crate) signer: Signer,
    text: String,
}

/// Checks the signature of an upload; gives the bytes back. None where there is no signature and
/// there need be none.
pub(crate) async fn verify(
    shared: &Shared,
    tenant: &TenantId,
    upload: PluginUpload,
) -> Result<(Vec<u8>, Option<Verified>), EngineError> {
    let PluginUpload { bytes, signature } = upload;
    let Some(signature) = signature else {
        if requires_signed(shared, &shared.trust.policy(tenant)) {
            return Err(unsigned().into());
        }
        return Ok((bytes, None));
    };
    let signature = Minisign::parse(&signature, shared.options.trust.signature_bytes_max);
    let signature = signature.map_err(|error| bad(&error))?;
    let key = trusted(shared, tenant, &signature)?;
    let public = PublicKey::parse(&key.public).map_err(|error| EngineError::Host(error.into()))?;
    // Hashing a large component takes longer than an executor's thread is for.
    let job = move || (signature.verify(&public, &bytes).map(|()| signature), bytes);
    let job = shared.parts.lanes.engine.spawn_blocking(job);
    let (verified, bytes) = job.await.map_err(|error| EngineError::Host(error.into()))?;
    let text = verified.map_err(|error| bad(&error))?.text().to_owned();
    let signer = Signer { key: key.key, name: key.name.clone() };
    Ok((bytes, Some(Verified { signer, text })))
}

/// The key of a signature, as long as it is trusted.
fn trusted(
    shared: &Shared,
    tenant: &TenantId,
    signature: &Minisign,
) -> Result<Arc<TrustedKey>, Distrust> {
    let id = signature.key();
    let Some(key) = shared.trust.key(tenant, id) else {
        let message = format!(
            "the signature is by the key {id}, which the trust store does not have: if its owner \
             gave it to you, wforge trust add NAME minisign.pub"
        );
        return Err(Distrust::new(DistrustCode::UnknownSigner, message));
    };
    still_trusted(&key)?;
    Ok(key)
}

fn still_trusted(key: &TrustedKey) -> Result<(), Distrust> {
    if key.state == KeyState::Trusted {
        return Ok(());
    }
    let TrustedKey { key: id, name, .. } = key;
    let reason = if key.reason.is_empty() { "no reason was given" } else { &key.reason };
    let message = format!(
        "the signature is by the key {id} ({name}), which was revoked: {reason}; sign the file with \
         another key, or wforge trust restore {id}"
    );
    Err(Distrust::new(DistrustCode::RevokedKey, message))
}

fn unsigned() -> Distrust {
    Distrust::new(
        DistrustCode::Unsigned,
        "the component comes without a signature, and the trust policy requires one: wforge plugin \
         install FILE --signature FILE.minisig",
    )
}

fn bad(error: &BadSignature) -> EngineError {
    Distrust::new(DistrustCode::BadSignature, error.to_string()).into()
}

/// Lets no version below the tenant's minimum get as far as the compiler.
pub(crate) fn gate(shared: &Shared, tenant: &TenantId) -> Gate {
    let policy = shared.trust.policy(tenant);
    Box::new(move |manifest| match policy.minimum.get(&manifest.name) {
        Some(minimum) if manifest.version < *minimum => {
            let why = Distrust::below_minimum(&manifest.name, &manifest.version, minimum);
            Err(AdmissionError::Refused { code: why.code.as_str(), message: why.message })
        }
        Some(_) | None => Ok(()),
    })
}

/// Refuses a new version that is older than one that a key which is still trusted has signed, so
/// that nobody brings back an old hole with an old signature. By whichever key: a publisher who
/// changes keys opens no way back.
pub(crate) fn not_rolled_back(
    shared: &Shared,
    tenant: &TenantId,
    admitted: &Admitted,
) -> Result<(), Distrust> {
    let (plugin, version) = (&admitted.manifest.name, &admitted.manifest.version);
    if shared.trust.policy(tenant).allow_rollback {
        return Ok(());
    }
    match newest_signed(shared, tenant, plugin).filter(|newest| newest > version) {
        Some(newest) => {
            let message = format!(
                "{plugin}@{version} is older than {newest}, which is installed with a signature: an \
                 old version is not brought back; wforge trust policy --allow-rollback true lets it \
                 in"
            );
            Err(Distrust::new(DistrustCode::BelowMinimum, message))
        }
        None => Ok(()),
    }
}

fn newest_signed(shared: &Shared, tenant: &TenantId, plugin: &PluginName) -> Option<Version> {
    let stores = shared.trust.read();
    let store = stores.get(tenant)?;
    let of_plugin = store.signed.values().filter(|one| one.plugin == *plugin);
    let trusted = of_plugin.filter(|one| store.revoked(one.signer.key).is_none());
    trusted.map(|one| &one.version).max().cloned()
}

/// The signature of a component as it is kept.
pub(crate) fn signed_put(
    shared: &Shared,
    admitted: &Admitted,
    verified: Verified,
    by: &str,
) -> Result<(SignedComponent, Put), EngineError> {
    let signed = SignedComponent {
        component: admitted.component,
        plugin: admitted.manifest.name.clone(),
        version: admitted.manifest.version.clone(),
        signer: verified.signer,
        signature: verified.text,
        at: shared.parts.clock.now(),
        by: by.to_owned(),
    };
    let put = Put {
        collection: Collection::Signatures,
        key: signed.component.to_string(),
        value: Some(to_value(&signed)?),
    };
    Ok((signed, put))
}

/// Attaches a signature to a version that is installed already; its identity stays as it is. Runs
/// that waited since its former key was revoked go on.
pub(crate) async fn attach(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    (admitted, verified): (&Admitted, Verified),
    by: &str,
) -> Result<(), EngineError> {
    let turn = shared.directory.changing.lock().await;
    check_open(shared, tenant)?;
    confirm(shared, tenant, &verified)?;
    let own = |stores: &super::TrustStore| stores.signed.get(&admitted.component).cloned();
    let before = shared.trust.read().get(tenant).and_then(own);
    if before.is_some_and(|before| before.signer.key == verified.signer.key) {
        return Ok(());
    }
    let (signed, Put { collection, key, value }) = signed_put(shared, admitted, verified, by)?;
    let SignedComponent { plugin, version, component, signer, .. } = &signed;
    let entry = Entry {
        tenant,
        expected: None,
        collection,
        key,
        value,
        also: Vec::new(),
        action: "plugin.sign",
        resource: format!("{plugin}@{version} {component} signed by {signer}"),
        by,
    };
    write(shared, entry).await?;
    know(shared, tenant, signed);
    drop(turn);
    quarantine::let_go_on(shared, tenant, &[admitted.component]).await
}

/// Whether a key is still trusted that was when a signature was checked. While changes wait.
pub(crate) fn confirm(
    shared: &Shared,
    tenant: &TenantId,
    verified: &Verified,
) -> Result<(), Distrust> {
    match shared.trust.key(tenant, verified.signer.key) {
        Some(key) => still_trusted(&key),
        // Keys are never removed but with their tenant.
        None => Err(unsigned()),
    }
}

/// Knows a signature that is durable.
pub(crate) fn know(shared: &Shared, tenant: &TenantId, signed: SignedComponent) {
    let mut stores = shared.trust.write();
    let store = stores.entry(tenant.clone()).or_default();
    store.signed.insert(signed.component, Arc::new(signed));
}
