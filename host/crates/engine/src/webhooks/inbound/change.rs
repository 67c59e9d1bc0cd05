//! The tenant's side of inbound webhooks: made, changed, removed, given URLs.

use std::sync::Arc;

use wforge_model::inbound::{
    BodySignature, INPUTS_MAX, InboundAction, InboundHook, POINTER_BYTES_MAX, ResumeAction,
    StartAction,
};
use wforge_model::secret::check_value;
use wforge_model::{HookName, InboundId, TenantId, Timestamp};
use wforge_ports::store::{Collection, Put};

use super::keys::{InboundSecrets, body_secret, standard_key};
use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::{Directory, Entry, invalid, living, to_value, within_storage, write};
use crate::webhooks::change::checked_workflow;

/// What an inbound webhook becomes.
#[derive(Clone)]
pub struct InboundPut {
    /// Its name.
    pub name: String,
    /// What a post does.
    pub action: InboundAction,
    /// How a body is signed.
    pub verify: BodySignature,
    /// The secret of whoever signs; none: one is made, or stays.
    pub secret: Option<String>,
    /// Whether posts are taken.
    pub active: bool,
    /// Whether it may not be there yet.
    pub is_new: bool,
}

/// Without the secret.
impl std::fmt::Debug for InboundPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InboundPut").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An inbound webhook, and the secret of bodies where one was made.
#[derive(Clone)]
pub struct InboundMade {
    /// The hook.
    pub hook: Arc<InboundHook>,
    /// The secret with which bodies are to be signed, for this once.
    pub secret: Option<String>,
}

/// Without the secret.
impl std::fmt::Debug for InboundMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InboundMade").field("hook", &self.hook).finish_non_exhaustive()
    }
}

/// Makes an inbound webhook, or changes it.
pub(crate) async fn put_inbound(
    shared: &Shared,
    tenant: &TenantId,
    put: InboundPut,
    by: &str,
) -> Result<InboundMade, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    living(shared, tenant)?;
    within_storage(shared, tenant)?;
    let name: HookName =
        put.name.parse().map_err(|error| invalid("bad_name", format!("{error}")))?;
    let before = shared.inbound.get(tenant, &name);
    check_new(shared, tenant, before.as_deref(), (&name, put.is_new))?;
    check_action(&put.action)?;
    let old = match &before {
        Some(_) => Some(secrets_of(shared, tenant, &name).await?),
        None => None,
    };
    let (secrets, shown) = next_secrets(shared, old, &put)?;
    let now = shared.parts.clock.now();
    let hook = InboundHook {
        id: before.as_ref().map_or_else(|| new_id(shared), |before| before.id),
        name,
        action: put.action,
        verify: put.verify,
        active: put.active,
        created_at: before.as_ref().map_or(now, |before| before.created_at),
        updated_at: now,
        by: by.to_owned(),
    };
    let action = if before.is_some() { "hook.put" } else { "hook.create" };
    save(shared, tenant, &hook, Some(&secrets), (action, by)).await?;
    let hook = Arc::new(hook);
    shared.inbound.know(tenant, hook.clone());
    Ok(InboundMade { hook, secret: shown })
}

fn new_id(shared: &Shared) -> InboundId {
    let mut bytes = [0; 16];
    shared.parts.entropy.fill(&mut bytes);
    InboundId::from_bytes(bytes)
}

fn check_new(
    shared: &Shared,
    tenant: &TenantId,
    before: Option<&InboundHook>,
    (name, is_new): (&HookName, bool),
) -> Result<(), EngineError> {
    let count_max = shared.options.webhooks.count_max;
    let (code, message) = match before {
        Some(_) if is_new => {
            ("hook_exists", format!("there is a hook {name}; change it, or take another name"))
        }
        None if shared.inbound.of(tenant).len() >= count_max => (
            "too_many_hooks",
            format!(
                "the tenant has {count_max} inbound hooks, as many as it may \
                 (limits.webhooks.count_max): remove one that nobody uses"
            ),
        ),
        Some(_) | None => return Ok(()),
    };
    Err(EngineError::Conflict { code, message })
}

fn check_action(action: &InboundAction) -> Result<(), EngineError> {
    let is_pointer =
        |text: &str| text.len() <= POINTER_BYTES_MAX && (text.is_empty() || text.starts_with('/'));
    let pointers: Vec<&str> = match action {
        InboundAction::Start(StartAction { workflow, input }) => {
            checked_workflow(workflow.clone())?;
            input.iter().flat_map(|input| input.values().map(String::as_str)).collect()
        }
        InboundAction::Resume(ResumeAction { answer, .. }) => vec![answer.as_str()],
    };
    if pointers.len() > INPUTS_MAX {
        return Err(invalid("bad_input", format!("input: a hook maps at most {INPUTS_MAX} keys")));
    }
    match pointers.into_iter().find(|pointer| !is_pointer(pointer)) {
        None => Ok(()),
        Some(_) => {
            let message = "a JSON pointer is empty or begins with /, such as /issue/title";
            Err(invalid("bad_pointer", message))
        }
    }
}

/// The secrets from now on, and that of bodies where it was made now.
fn next_secrets(
    shared: &Shared,
    old: Option<InboundSecrets>,
    put: &InboundPut,
) -> Result<(InboundSecrets, Option<String>), EngineError> {
    let entropy = shared.parts.entropy.as_ref();
    if let Some(secret) = &put.secret {
        check_secret(shared, put.verify, secret)?;
    }
    let kept = old.as_ref().and_then(InboundSecrets::body).map(str::to_owned);
    let (body, shown) = match (put.verify, &put.secret, kept) {
        (BodySignature::None, _, _) => (None, None),
        (_, Some(given), _) => (Some(given.clone()), None),
        (_, None, Some(kept)) => (Some(kept), None),
        (_, None, None) => {
            let made = body_secret(entropy);
            (Some(made.clone()), Some(made))
        }
    };
    let secrets = match old {
        Some(old) => old.with_body(body),
        None => InboundSecrets::make(entropy, body),
    };
    Ok((secrets, shown))
}

fn check_secret(shared: &Shared, verify: BodySignature, secret: &str) -> Result<(), EngineError> {
    check_value(secret, shared.options.secrets.value_bytes_max)
        .map_err(|error| invalid("bad_secret", format!("secret: {error}")))?;
    if verify == BodySignature::Standard && standard_key(secret).is_none() {
        return Err(invalid(
            "bad_secret",
            "secret: write whsec_ and base64, as the sender shows it",
        ));
    }
    Ok(())
}

/// Removes an inbound webhook with its secrets.
pub(crate) async fn remove_inbound(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    by: &str,
) -> Result<Arc<InboundHook>, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    let before = existing_inbound(shared, tenant, name)?;
    let secrets =
        Put { collection: Collection::HookSecrets, key: secrets_key(&before.name), value: None };
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::InboundHooks,
        key: before.name.to_string(),
        value: None,
        also: vec![secrets],
        action: "hook.remove",
        resource: before.name.to_string(),
        by,
    };
    write(shared, entry).await?;
    shared.inbound.forget_hook(tenant, &before);
    Ok(before)
}

/// Makes new secrets: every URL of before is invalid at once.
pub(crate) async fn rotate_inbound(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    by: &str,
) -> Result<InboundMade, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    let hook = existing_inbound(shared, tenant, name)?;
    let entropy = shared.parts.entropy.as_ref();
    let secret = (hook.verify != BodySignature::None).then(|| body_secret(entropy));
    let secrets = InboundSecrets::make(entropy, secret.clone());
    save(shared, tenant, &hook, Some(&secrets), ("hook.rotate", by)).await?;
    Ok(InboundMade { hook, secret })
}

/// The path of a URL with which the hook can be posted to until then; none: until its key changes.
pub(crate) async fn url_of(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    expires_at: Option<Timestamp>,
    by: &str,
) -> Result<String, EngineError> {
    Directory::load(shared).await?;
    let _turn = shared.directory.changing.lock().await;
    let hook = existing_inbound(shared, tenant, name)?;
    let secrets = secrets_of(shared, tenant, &hook.name).await?;
    // In whole seconds; 0 says that it has no end.
    let expires_s = expires_at.map_or(0, |at| (at.0 / 1_000).max(1));
    let signature = secrets.sign_url(&hook, expires_s).ok_or_else(no_key)?;
    // Whoever has it can post, so that is known who got one.
    save(shared, tenant, &hook, None, ("hook.url", by)).await?;
    Ok(format!("/in/{}/{expires_s}/{signature}", hook.id))
}

/// The inbound webhook of that name.
pub(crate) fn existing_inbound(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<Arc<InboundHook>, EngineError> {
    let found = name.parse::<HookName>().ok().and_then(|name| shared.inbound.get(tenant, &name));
    found.ok_or_else(|| EngineError::NotFound { kind: "hook", name: name.to_owned() })
}

pub(super) async fn secrets_of(
    shared: &Shared,
    tenant: &TenantId,
    name: &HookName,
) -> Result<InboundSecrets, EngineError> {
    let store = &shared.parts.store;
    let found = store.document(tenant, Collection::HookSecrets, &secrets_key(name)).await?;
    let found = found.ok_or_else(no_key)?;
    serde_json::from_value(found.value).map_err(|error| EngineError::Host(Box::new(error)))
}

fn no_key() -> EngineError {
    EngineError::Host("an inbound hook has no key".into())
}

fn secrets_key(name: &HookName) -> String {
    format!("in/{name}")
}

async fn save(
    shared: &Shared,
    tenant: &TenantId,
    hook: &InboundHook,
    secrets: Option<&InboundSecrets>,
    (action, by): (&'static str, &str),
) -> Result<(), EngineError> {
    let also = match secrets {
        Some(secrets) => vec![Put {
            collection: Collection::HookSecrets,
            key: secrets_key(&hook.name),
            value: Some(to_value(secrets)?),
        }],
        None => Vec::new(),
    };
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::InboundHooks,
        key: hook.name.to_string(),
        value: Some(to_value(hook)?),
        also,
        action,
        resource: hook.name.to_string(),
        by,
    };
    write(shared, entry).await
}
