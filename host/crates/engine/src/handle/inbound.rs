//! Inbound webhooks of a tenant, and what a post to one does.

use std::sync::Arc;

use wforge_model::inbound::InboundHook;
use wforge_model::{RunId, TenantId, Timestamp, Value};

use super::Handle;
use crate::notes::What;
use crate::request::{
    AnswerGiven, AnswerTo, EngineError, Idempotency, StartRun, Started, WorkflowChoice,
};
use crate::tenancy::Directory;
use crate::webhooks::{self, Deed, InboundMade, InboundPut, OpenedHook, PostedUrl};

impl Handle {
    /// The inbound webhooks of a tenant, by name.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn hooks(&self, tenant: &TenantId) -> Result<Vec<Arc<InboundHook>>, EngineError> {
        Directory::load(&self.shared).await?;
        Ok(self.shared.inbound.of(tenant))
    }

    /// An inbound webhook.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn hook(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Arc<InboundHook>, EngineError> {
        Directory::load(&self.shared).await?;
        webhooks::existing_inbound(&self.shared, tenant, name)
    }

    /// Makes an inbound webhook, or changes it.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where a part cannot be; [`EngineError::Conflict`] `hook_exists`,
    /// `too_many_hooks`.
    pub async fn put_hook(
        &self,
        tenant: &TenantId,
        put: InboundPut,
        by: &str,
    ) -> Result<InboundMade, EngineError> {
        webhooks::put_inbound(&self.shared, tenant, put, by).await
    }

    /// Removes an inbound webhook; its URLs are good for nothing.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_hook(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<Arc<InboundHook>, EngineError> {
        webhooks::remove_inbound(&self.shared, tenant, name, by).await
    }

    /// Makes new secrets: every URL of before is good for nothing.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn rotate_hook(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<InboundMade, EngineError> {
        webhooks::rotate_inbound(&self.shared, tenant, name, by).await
    }

    /// The path with which the hook can be posted to until then; none: until its secrets change.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn hook_url(
        &self,
        tenant: &TenantId,
        name: &str,
        expires_at: Option<Timestamp>,
        by: &str,
    ) -> Result<String, EngineError> {
        webhooks::url_of(&self.shared, tenant, name, expires_at, by).await
    }

    /// The hook that a URL is good for; none where it is good for none, whyever.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn open_hook(&self, url: PostedUrl<'_>) -> Result<Option<OpenedHook>, EngineError> {
        Directory::load(&self.shared).await?;
        webhooks::open(&self.shared, url).await
    }

    /// Does what a post with that body does; gives the run that it is about.
    ///
    /// # Errors
    /// Those of starting and of answering. They say more than whoever posts may hear.
    pub async fn take_post(
        &self,
        opened: &OpenedHook,
        body: Value,
        idempotency: Option<Idempotency>,
    ) -> Result<RunId, EngineError> {
        let done = self.post_taken(opened, body, idempotency).await;
        if let Err(error) = &done {
            self.note_post(opened, code_of(error)).await;
        }
        done
    }

    async fn post_taken(
        &self,
        opened: &OpenedHook,
        body: Value,
        idempotency: Option<Idempotency>,
    ) -> Result<RunId, EngineError> {
        let by = opened.actor();
        match opened.deed(body)? {
            Deed::Start { workflow, input } => {
                let choice = WorkflowChoice::Registered { name: workflow, version: None };
                let request = StartRun { input, idempotency, ..StartRun::of(choice, by) };
                let Started { run, .. } = self.start(&opened.tenant, request).await?;
                Ok(run)
            }
            Deed::Resume { action, answer } => {
                let given = AnswerGiven { to: AnswerTo::Question(action.interrupt), answer };
                self.resume(&opened.tenant, action.run, vec![given], &by).await?;
                Ok(action.run)
            }
        }
    }

    /// Notes that a post was refused; of many in a minute the audit log keeps the first ones.
    pub async fn note_post(&self, opened: &OpenedHook, code: &str) {
        let (name, by) = (opened.hook.name.as_str(), opened.actor());
        self.note_refusal((&opened.tenant, &by), What::Hook, name, code).await;
    }
}

const fn code_of(error: &EngineError) -> &'static str {
    match error {
        EngineError::NotFound { .. } => "not_found",
        EngineError::Invalid { code, .. } | EngineError::Conflict { code, .. } => code,
        EngineError::Busy { .. } => "busy",
        EngineError::Quota { quota, .. } => quota,
        EngineError::Host(_) => "host_fault",
    }
}
