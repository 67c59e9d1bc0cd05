//! Webhooks of a tenant, and what they were told.

use std::sync::Arc;

use wforge_model::TenantId;
use wforge_model::webhook::{Delivery, Webhook};

use super::Handle;
use crate::request::EngineError;
use crate::tenancy::Directory;
use crate::webhooks::{self, WebhookMade, WebhookPut};

impl Handle {
    /// The webhooks of a tenant, by name.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Arc<Webhook>>, EngineError> {
        Directory::load(&self.shared).await?;
        Ok(self.shared.webhooks.of(tenant))
    }

    /// A webhook.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn webhook(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Arc<Webhook>, EngineError> {
        Directory::load(&self.shared).await?;
        webhooks::existing(&self.shared, tenant, name)
    }

    /// Makes a webhook, or changes it. The secret is in what is given back where it was made.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where a part cannot be; [`EngineError::Conflict`]
    /// `webhook_exists`, `too_many_webhooks`.
    pub async fn put_webhook(
        &self,
        tenant: &TenantId,
        put: WebhookPut,
        by: &str,
    ) -> Result<WebhookMade, EngineError> {
        webhooks::put_webhook(&self.shared, tenant, put, by).await
    }

    /// Removes a webhook with all that it was told; what is under way may still arrive.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn remove_webhook(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<Arc<Webhook>, EngineError> {
        webhooks::remove_webhook(&self.shared, tenant, name, by).await
    }

    /// Makes a new secret; the one before signs beside it for a while.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn rotate_webhook(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<WebhookMade, EngineError> {
        webhooks::rotate_webhook(&self.shared, tenant, name, by).await
    }

    /// Sends a ping to a webhook.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] `webhook_off`, `too_many_pending`.
    pub async fn ping_webhook(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Delivery, EngineError> {
        webhooks::ping(&self.shared, tenant, name).await
    }

    /// What a webhook is and was told, the newest first.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn deliveries(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Vec<Delivery>, EngineError> {
        webhooks::deliveries_of(&self.shared, tenant, name).await
    }

    /// One thing that a webhook is or was told.
    ///
    /// # Errors
    /// [`EngineError::NotFound`].
    pub async fn delivery(
        &self,
        tenant: &TenantId,
        name: &str,
        id: &str,
    ) -> Result<Delivery, EngineError> {
        webhooks::delivery_of(&self.shared, tenant, (name, id)).await
    }

    /// Sends a delivery that has ended once more.
    ///
    /// # Errors
    /// [`EngineError::NotFound`]; [`EngineError::Conflict`] `webhook_off`, `delivery_pending`.
    pub async fn redeliver(
        &self,
        tenant: &TenantId,
        name: &str,
        id: &str,
    ) -> Result<Delivery, EngineError> {
        webhooks::redeliver(&self.shared, tenant, (name, id)).await
    }
}
