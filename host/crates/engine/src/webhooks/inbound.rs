//! Inbound webhooks: made, changed, removed, and what a post to one does.
//!
//! A URL holds the hook's id, the moment at which it ends and an HMAC over both and what the hook
//! does, by a key that never leaves the store. A new key makes all URLs of before invalid.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use wforge_model::inbound::{
    BodySignature, INPUTS_MAX, InboundAction, InboundHook, POINTER_BYTES_MAX, ResumeAction,
    StartAction,
};
use wforge_model::secret::check_value;
use wforge_model::{HookName, InboundId, Object, TenantId, Timestamp, Value};
use wforge_ports::Entropy;
use wforge_ports::store::{Collection, Put};

use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::{Directory, Entry, PageOf, invalid, living, to_value, within_storage, write};

/// How far the clock of whoever signs a body may be off, in seconds.
const SKEW_S_MAX: u64 = 300;
/// Signatures of one body that are looked at.
const SIGNATURES_MAX: usize = 8;
const KEY_BYTES: usize = 32;
const SECRET_PREFIX: &str = "whsec_";

/// What is known of inbound webhooks in memory.
#[derive(Debug, Default)]
pub(crate) struct Inbound(RwLock<Index>);

#[derive(Debug, Default)]
struct Index {
    hooks: HashMap<TenantId, BTreeMap<HookName, Arc<InboundHook>>>,
    owners: HashMap<InboundId, (TenantId, HookName)>,
}

impl Inbound {
    /// Reads the inbound webhooks of a tenant.
    pub(crate) async fn load(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        let hooks: Vec<InboundHook> = PageOf(Collection::InboundHooks).all(shared, tenant).await?;
        for hook in hooks {
            shared.inbound.know(tenant, Arc::new(hook));
        }
        Ok(())
    }

    /// The inbound webhooks of a tenant, by name.
    pub(crate) fn of(&self, tenant: &TenantId) -> Vec<Arc<InboundHook>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.hooks.get(tenant).map(|of| of.values().cloned().collect()).unwrap_or_default()
    }

    fn get(&self, tenant: &TenantId, name: &HookName) -> Option<Arc<InboundHook>> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        index.hooks.get(tenant)?.get(name).cloned()
    }

    fn owner(&self, id: InboundId) -> Option<(TenantId, Arc<InboundHook>)> {
        let index = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (tenant, name) = index.owners.get(&id)?;
        Some((tenant.clone(), index.hooks.get(tenant)?.get(name)?.clone()))
    }

    fn know(&self, tenant: &TenantId, hook: Arc<InboundHook>) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.owners.insert(hook.id, (tenant.clone(), hook.name.clone()));
        index.hooks.entry(tenant.clone()).or_default().insert(hook.name.clone(), hook);
    }

    fn forget_hook(&self, tenant: &TenantId, hook: &InboundHook) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.owners.remove(&hook.id);
        if let Some(of) = index.hooks.get_mut(tenant) {
            of.remove(&hook.name);
        }
    }

    /// Knows nothing of a tenant any more.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut index = self.0.write().unwrap_or_else(PoisonError::into_inner);
        index.hooks.remove(tenant);
        index.owners.retain(|_, (of, _)| of != tenant);
    }
}

/// The secrets of one inbound webhook, as the store seals them.
#[derive(Clone, Serialize, Deserialize)]
struct InboundSecrets {
    /// Signs URLs; nobody ever sees it.
    url_key: String,
    /// Signs bodies, where they are to be signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl InboundSecrets {
    fn make(entropy: &dyn Entropy, body: Option<String>) -> Self {
        Self { url_key: fresh(entropy), body }
    }

    fn mac_of_url(&self, hook: &InboundHook, expires_s: u64) -> Option<Hmac<Sha256>> {
        let text = format!("wforge.in.v1\n{}\n{expires_s}\n{}", hook.id, hook.action.target());
        mac(&STANDARD.decode(&self.url_key).ok()?, &[text.as_bytes()])
    }
}

fn fresh(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; KEY_BYTES];
    entropy.fill(&mut bytes);
    STANDARD.encode(bytes)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    parts.iter().for_each(|part| mac.update(part));
    Some(mac)
}

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
            super::change::checked_workflow(workflow.clone())?;
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
    let kept = old.as_ref().and_then(|old| old.body.clone());
    let (body, shown) = match (put.verify, &put.secret, kept) {
        (BodySignature::None, _, _) => (None, None),
        (_, Some(given), _) => (Some(given.clone()), None),
        (_, None, Some(kept)) => (Some(kept), None),
        (_, None, None) => {
            let made = format!("{SECRET_PREFIX}{}", fresh(entropy));
            (Some(made.clone()), Some(made))
        }
    };
    let secrets = match old {
        Some(old) => InboundSecrets { body, ..old },
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

fn standard_key(secret: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok().filter(|key| !key.is_empty())
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
    let secret =
        (hook.verify != BodySignature::None).then(|| format!("{SECRET_PREFIX}{}", fresh(entropy)));
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
    let mac = secrets.mac_of_url(&hook, expires_s).ok_or_else(no_key)?;
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    // Whoever has it can post, so that is known who got one.
    save(shared, tenant, &hook, None, ("hook.url", by)).await?;
    Ok(format!("/in/{}/{expires_s}/{signature}", hook.id))
}

/// A hook to which somebody may post, and with what a body is checked.
#[derive(Clone)]
pub struct OpenedHook {
    /// Whose it is.
    pub tenant: TenantId,
    /// The hook.
    pub hook: Arc<InboundHook>,
    secrets: InboundSecrets,
}

/// Without the secrets.
impl std::fmt::Debug for OpenedHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenedHook").field("hook", &self.hook.name).finish_non_exhaustive()
    }
}

/// The parts of a posted URL.
#[derive(Debug, Clone, Copy)]
pub struct PostedUrl<'a> {
    /// The hook's id.
    pub id: &'a str,
    /// When it ends.
    pub expires: &'a str,
    /// Its signature.
    pub signature: &'a str,
}

/// The signature of a posted body, as its headers have it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PostedSignature<'a> {
    /// `webhook-id`.
    pub id: Option<&'a str>,
    /// `webhook-timestamp`.
    pub timestamp: Option<&'a str>,
    /// `webhook-signature`.
    pub standard: Option<&'a str>,
    /// `x-hub-signature-256`.
    pub github: Option<&'a str>,
}

/// The hook that a URL is good for; none where it is good for none, whyever.
pub(crate) async fn open(
    shared: &Shared,
    url: PostedUrl<'_>,
) -> Result<Option<OpenedHook>, EngineError> {
    let found = url.id.parse().ok().and_then(|id| shared.inbound.owner(id));
    let Some((tenant, hook)) = found else { return Ok(None) };
    let secrets = secrets_of(shared, &tenant, &hook.name).await?;
    let is_good = is_good(&secrets, &hook, url, shared.parts.clock.now());
    let takes = hook.active && shared.directory.is_open(&tenant);
    Ok((is_good && takes).then_some(OpenedHook { tenant, hook, secrets }))
}

fn is_good(
    secrets: &InboundSecrets,
    hook: &InboundHook,
    url: PostedUrl<'_>,
    now: Timestamp,
) -> bool {
    let Ok(expires_s) = url.expires.parse::<u64>() else { return false };
    // One moment has one way to be written.
    if expires_s.to_string() != url.expires {
        return false;
    }
    let Ok(signature) = URL_SAFE_NO_PAD.decode(url.signature) else { return false };
    let mac = secrets.mac_of_url(hook, expires_s);
    let is_ours = mac.is_some_and(|mac| mac.verify_slice(&signature).is_ok());
    is_ours && (expires_s == 0 || now.0 / 1_000 < expires_s)
}

impl OpenedHook {
    /// Whether the body is signed as the hook wants it.
    #[must_use]
    pub fn is_signed(&self, by: PostedSignature<'_>, body: &[u8], now: Timestamp) -> bool {
        let secret = self.secrets.body.as_deref();
        match (self.hook.verify, secret) {
            (BodySignature::None, _) => true,
            (BodySignature::Standard, Some(secret)) => {
                is_signed_standard(secret, by, body, now).unwrap_or(false)
            }
            (BodySignature::Github, Some(secret)) => {
                is_signed_github(secret, by, body).unwrap_or(false)
            }
            (BodySignature::Standard | BodySignature::Github, None) => false,
        }
    }

    /// What of a body is the input of a run.
    ///
    /// # Errors
    /// The body has nothing where the hook looks for it; names the pointer.
    fn input(start: &StartAction, body: Value) -> Result<Object, EngineError> {
        let Some(inputs) = &start.input else {
            return Ok([("body".to_owned(), body)].into_iter().collect());
        };
        let pick = |(key, pointer): (&wforge_model::Key, &String)| {
            let found = body.pointer(pointer).cloned().ok_or_else(|| nothing_at(pointer))?;
            Ok((key.to_string(), found))
        };
        inputs.iter().map(pick).collect()
    }
}

fn nothing_at(pointer: &str) -> EngineError {
    invalid("no_such_field", format!("the body has nothing at \"{pointer}\""))
}

fn is_signed_standard(
    secret: &str,
    by: PostedSignature<'_>,
    body: &[u8],
    now: Timestamp,
) -> Option<bool> {
    let (id, timestamp, signatures) = (by.id?, by.timestamp?, by.standard?);
    let at: u64 = timestamp.parse().ok()?;
    if at.abs_diff(now.0 / 1_000) > SKEW_S_MAX {
        return Some(false);
    }
    let key = standard_key(secret)?;
    let head = format!("{id}.{timestamp}.");
    let is_ours = |text: &str| {
        let signature = text.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
        let mac = mac(&key, &[head.as_bytes(), body]);
        signature.zip(mac).is_some_and(|(signature, mac)| mac.verify_slice(&signature).is_ok())
    };
    Some(signatures.split(' ').take(SIGNATURES_MAX).any(is_ours))
}

fn is_signed_github(secret: &str, by: PostedSignature<'_>, body: &[u8]) -> Option<bool> {
    let signature = of_hex(by.github?.strip_prefix("sha256=")?)?;
    let mac = mac(secret.as_bytes(), &[body])?;
    Some(mac.verify_slice(&signature).is_ok())
}

fn of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// What a post is to do, made of its body.
pub(crate) enum Deed {
    /// Start a run of that workflow with that input.
    Start { workflow: String, input: Object },
    /// Answer that question.
    Resume { action: ResumeAction, answer: Value },
}

impl OpenedHook {
    /// What a post with that body does.
    pub(crate) fn deed(&self, body: Value) -> Result<Deed, EngineError> {
        match &self.hook.action {
            InboundAction::Start(start) => {
                let input = Self::input(start, body)?;
                Ok(Deed::Start { workflow: start.workflow.clone(), input })
            }
            InboundAction::Resume(action) => {
                let answer = body.pointer(&action.answer).cloned();
                let answer = answer.ok_or_else(|| nothing_at(&action.answer))?;
                Ok(Deed::Resume { action: action.clone(), answer })
            }
        }
    }

    /// By what name it starts and answers.
    #[must_use]
    pub fn actor(&self) -> String {
        format!("hook {}", self.hook.name)
    }
}

/// The inbound webhook of that name.
pub(crate) fn existing_inbound(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
) -> Result<Arc<InboundHook>, EngineError> {
    let found = name.parse().ok().and_then(|name| shared.inbound.get(tenant, &name));
    found.ok_or_else(|| EngineError::NotFound { kind: "hook", name: name.to_owned() })
}

async fn secrets_of(
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

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wforge_testkit::SimEntropy;

    use super::*;

    fn opened(verify: BodySignature, secret: Option<&str>) -> OpenedHook {
        let input = [("title".parse().unwrap(), "/issue/title".to_owned())];
        let start = StartAction { workflow: "brief".into(), input: Some(input.into()) };
        let hook = InboundHook {
            name: "issues".parse().unwrap(),
            id: InboundId::from_bytes([7; 16]),
            action: InboundAction::Start(start),
            verify,
            active: true,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            by: "ann".into(),
        };
        let secrets = InboundSecrets::make(&SimEntropy::new(1), secret.map(str::to_owned));
        OpenedHook { tenant: "acme".parse().unwrap(), hook: Arc::new(hook), secrets }
    }

    fn signature(of: &OpenedHook, expires_s: u64) -> String {
        let mac = of.secrets.mac_of_url(&of.hook, expires_s).unwrap();
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    #[test]
    fn a_url_is_good_for_its_hook_and_action_until_it_ends() {
        let of = opened(BodySignature::None, None);
        let check = |hook: &InboundHook, expires: &str, signature: &str, now_ms| {
            let url = PostedUrl { id: "", expires, signature };
            is_good(&of.secrets, hook, url, Timestamp(now_ms))
        };
        let (forever, soon) = (signature(&of, 0), signature(&of, 100));
        assert!(check(&of.hook, "0", &forever, u64::MAX));
        assert!(check(&of.hook, "100", &soon, 99_999) && !check(&of.hook, "100", &soon, 100_000));
        assert!(!check(&of.hook, "0", &soon, 1) && !check(&of.hook, "0100", &soon, 1));
        assert!(!check(&of.hook, "100", "", 1) && !check(&of.hook, "-", &soon, 1));
        let start = StartAction { workflow: "other".into(), input: None };
        let other =
            InboundHook { action: InboundAction::Start(start), ..InboundHook::clone(&of.hook) };
        assert!(!check(&other, "100", &soon, 1), "another workflow");
        let other = InboundHook { id: InboundId::from_bytes([8; 16]), ..other };
        assert!(!check(&other, "100", &soon, 1), "another hook");
    }

    /// The example of GitHub's documentation.
    #[test]
    fn a_body_is_signed_as_github_does() {
        let of = opened(BodySignature::Github, Some("It's a Secret to Everybody"));
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |github, body: &[u8]| {
            let by = PostedSignature { github, ..PostedSignature::default() };
            of.is_signed(by, body, Timestamp(0))
        };
        assert!(check(Some(good), b"Hello, World!"));
        for (github, body) in [
            (Some(good), "Hello, World?"),
            (Some("sha256="), "Hello, World!"),
            (Some("757107ea"), "Hello, World!"),
            (None, "Hello, World!"),
        ] {
            assert!(!check(github, body.as_bytes()), "{github:?} {body}");
        }
    }

    /// The example of the specification's own libraries.
    #[test]
    fn a_body_is_signed_by_the_specification_and_lately() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let of = opened(BodySignature::Standard, Some(secret));
        let by = PostedSignature {
            id: Some("msg_p5jXN8AQM9LWM0D4loKWxJek"),
            timestamp: Some("1614265330"),
            standard: Some("v1,bm90aGluZw== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            github: None,
        };
        let check =
            |by, at_s: u64| of.is_signed(by, br#"{"test": 2432232314}"#, Timestamp(at_s * 1_000));
        assert!(check(by, 1_614_265_330) && check(by, 1_614_265_330 + SKEW_S_MAX));
        assert!(!check(by, 1_614_265_331 + SKEW_S_MAX), "an old one");
        assert!(!check(PostedSignature { id: Some("msg_other"), ..by }, 1_614_265_330));
        assert!(!check(PostedSignature { standard: None, ..by }, 1_614_265_330));
    }

    #[test]
    fn of_a_body_goes_what_the_hook_names() {
        let of = opened(BodySignature::None, None);
        let Ok(Deed::Start { workflow, input }) = of.deed(json!({ "issue": { "title": "x" } }))
        else {
            panic!("no start")
        };
        assert_eq!((workflow.as_str(), Value::Object(input)), ("brief", json!({ "title": "x" })));
        let missing = of.deed(json!({ "issue": {} }));
        assert!(matches!(missing, Err(EngineError::Invalid { code: "no_such_field", .. })));
    }

    #[test]
    fn hexadecimal_digits_are_bytes() {
        assert_eq!(of_hex("00fF"), Some(vec![0, 255]));
        assert_eq!((of_hex("0"), of_hex("zz"), of_hex("")), (None, None, Some(Vec::new())));
    }
}
