//! The side of whoever posts: which hook a URL is good for, and what a body does.

use std::sync::Arc;

use wforge_model::inbound::{InboundAction, InboundHook, ResumeAction, StartAction};
use wforge_model::{InboundId, Key, Object, TenantId, Timestamp, Value};

use super::change::secrets_of;
use super::keys::{InboundSecrets, PostedSignature, PostedUrl};
use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::invalid;

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

/// The hook that a URL is good for; none where it is good for none, whyever.
pub(crate) async fn open(
    shared: &Shared,
    url: PostedUrl<'_>,
) -> Result<Option<OpenedHook>, EngineError> {
    let found = url.id.parse::<InboundId>().ok().and_then(|id| shared.inbound.owner(id));
    let Some((tenant, hook)) = found else { return Ok(None) };
    let secrets = secrets_of(shared, &tenant, &hook.name).await?;
    let is_good = secrets.is_good_url(&hook, url, shared.parts.clock.now());
    let takes = hook.active && shared.directory.is_open(&tenant);
    Ok((is_good && takes).then_some(OpenedHook { tenant, hook, secrets }))
}

/// What a post is to do, made of its body.
pub(crate) enum Deed {
    /// Start a run of that workflow with that input.
    Start { workflow: String, input: Object },
    /// Answer that question.
    Resume { action: ResumeAction, answer: Value },
}

impl OpenedHook {
    /// Whether the body is signed as the hook wants it.
    #[must_use]
    pub fn is_signed(&self, by: PostedSignature<'_>, body: &[u8], now: Timestamp) -> bool {
        self.secrets.is_good_body(self.hook.verify, by, (body, now))
    }

    /// What a post with that body does.
    pub(crate) fn deed(&self, body: Value) -> Result<Deed, EngineError> {
        match &self.hook.action {
            InboundAction::Start(start) => {
                let input = input(start, body)?;
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

/// What of a body is the input of a run.
///
/// # Errors
/// The body has nothing where the hook looks for it; names the pointer.
fn input(start: &StartAction, body: Value) -> Result<Object, EngineError> {
    let Some(inputs) = &start.input else {
        return Ok([("body".to_owned(), body)].into_iter().collect());
    };
    let pick = |(key, pointer): (&Key, &String)| {
        let found = body.pointer(pointer).cloned().ok_or_else(|| nothing_at(pointer))?;
        Ok((key.to_string(), found))
    };
    inputs.iter().map(pick).collect()
}

fn nothing_at(pointer: &str) -> EngineError {
    invalid("no_such_field", format!("the body has nothing at \"{pointer}\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wforge_model::inbound::BodySignature;
    use wforge_testkit::SimEntropy;

    use super::*;

    fn opened() -> OpenedHook {
        let input = [("title".parse().unwrap(), "/issue/title".to_owned())];
        let start = StartAction { workflow: "brief".into(), input: Some(input.into()) };
        let hook = InboundHook {
            name: "issues".parse().unwrap(),
            id: InboundId::from_bytes([7; 16]),
            action: InboundAction::Start(start),
            verify: BodySignature::None,
            active: true,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            by: "ann".into(),
        };
        let secrets = InboundSecrets::make(&SimEntropy::new(1), None);
        OpenedHook { tenant: "acme".parse().unwrap(), hook: Arc::new(hook), secrets }
    }

    #[test]
    fn of_a_body_goes_what_the_hook_names() {
        let of = opened();
        let Ok(Deed::Start { workflow, input }) = of.deed(json!({ "issue": { "title": "x" } }))
        else {
            panic!("no start")
        };
        assert_eq!((workflow.as_str(), Value::Object(input)), ("brief", json!({ "title": "x" })));
        let missing = of.deed(json!({ "issue": {} }));
        assert!(matches!(missing, Err(EngineError::Invalid { code: "no_such_field", .. })));
    }
}
