//! The world as a deployment has it: models, servers and tools.

use std::sync::Arc;

use futures::future::BoxFuture;
use wforge_model::TenantId;
use wforge_model::effect::Operation;
use wforge_ports::effects::EffectsError;
use wforge_ports::figures::EgressFigures;
use wforge_ports::{RawFailure, RawRequest, RawResponse};

use crate::deed::{Deed, Done, World};
use crate::http::{self, BodyStore, FetchLimits, Means};
use crate::llm::Models;
use crate::outbound::{EgressCounts, Outbound};
use crate::secrets::Secrets;

/// Everything that agents reach.
#[derive(Debug)]
pub struct Outside {
    /// The way to servers.
    pub outbound: Arc<dyn Outbound>,
    /// What a request to a server may take.
    pub fetch: FetchLimits,
    /// Where bodies are that are too large for a message.
    pub bodies: Arc<dyn BodyStore>,
    /// The models.
    pub models: Models,
    /// Secrets that are filled into headers.
    pub secrets: Secrets,
    /// What is counted of all ways out.
    pub counts: Arc<EgressCounts>,
}

impl Outside {
    fn means(&self) -> Means<'_> {
        Means {
            outbound: self.outbound.as_ref(),
            bodies: self.bodies.as_ref(),
            secrets: &self.secrets,
            limits: &self.fetch,
        }
    }
}

impl World for Outside {
    fn serves(&self, operation: Operation) -> bool {
        matches!(operation, Operation::LlmComplete | Operation::HttpFetch)
    }

    fn perform<'a>(&'a self, deed: &'a Deed<'a>) -> BoxFuture<'a, Result<Done, EffectsError>> {
        Box::pin(async move {
            let answer = match deed.operation() {
                Operation::LlmComplete => {
                    self.models.complete(deed, &|delta| deed.delta(&delta.text)).await
                }
                Operation::HttpFetch => http::fetch(self.means(), deed).await,
                _ => Err(deed.asked.unserved()),
            };
            Ok(Done::Answered(answer))
        })
    }

    fn exchange<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RawRequest,
    ) -> BoxFuture<'a, Result<RawResponse, RawFailure>> {
        Box::pin(http::raw::exchange(self.means(), tenant, request))
    }

    fn figures(&self) -> EgressFigures {
        self.counts.read()
    }
}
