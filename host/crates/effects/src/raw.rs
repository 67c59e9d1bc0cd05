//! Exchanges by a guest's own HTTP client: allowed or not, then on their way. The only effects
//! without a record, so a node must say that it may be run twice.

use std::future::ready;

use tokio_util::task::AbortOnDropHandle;
use wforge_model::agent::AgentCall;
use wforge_model::{Capability, Denial, Failure, Problem, Recording};
use wforge_ports::{BoxFuture, RawFailure, RawRequest, RawResponse};

use crate::http::Target;
use crate::pen::Pen;
use crate::request::require_any;
use crate::session::Session;

type Outcome = Result<RawResponse, RawFailure>;

impl Session {
    /// Checks a request and sends it off; whoever drops the future gives it up.
    pub(crate) fn begin_exchange(&self, request: RawRequest) -> BoxFuture<'static, Outcome> {
        let pen = self.pen();
        if self.is_replay() {
            let (run, node) = (pen.call.run, &pen.call.node);
            tracing::warn!(%run, %node, "wasi:http is not recorded, so this replay cannot answer it");
            return Box::pin(ready(Err(RawFailure::Replayed)));
        }
        let request = match allowed(&pen, request) {
            Ok(request) => request,
            Err(failure) => return Box::pin(ready(Err(failure))),
        };
        let parts = &pen.shared.parts;
        let (flights, threads) = (parts.flights.clone(), parts.threads.clone());
        let flight = async move {
            let (shared, tenant) = (&pen.shared, &pen.call.tenant);
            let _permit = shared.permits.take(tenant).await;
            shared.parts.world.exchange(tenant, request).await
        };
        let flight = AbortOnDropHandle::new(flights.spawn_on(flight, &threads));
        Box::pin(async move { flight.await.unwrap_or(Err(RawFailure::Stopped)) })
    }
}

/// The request with the URL that was checked, if the task may send it.
fn allowed(pen: &Pen, request: RawRequest) -> Result<RawRequest, RawFailure> {
    let call = &pen.call;
    let (kind, plugin) = (Recording::UNRECORDED_KIND, call.plugin.as_str());
    // What is wrong with a request is said to whoever may send at all.
    require_any(&call.grants, plugin, kind, "<host>").map_err(RawFailure::Denied)?;
    let target =
        Target::read(&request.method, &request.url).map_err(|failure| invalid(&failure))?;
    let wanted = Capability::of(kind, &target.rule);
    call.grants.require(plugin, &wanted).map_err(RawFailure::Denied)?;
    pen.shared.parts.grants.check(call, &wanted).map_err(RawFailure::Denied)?;
    if !call.is_idempotent {
        return Err(RawFailure::Denied(not_idempotent(call, &wanted)));
    }
    Ok(RawRequest { url: target.url.into(), ..request })
}

fn not_idempotent(call: &AgentCall, wanted: &Capability) -> Denial {
    Denial {
        capability: wanted.kind().to_owned(),
        resource: wanted.resource().to_owned(),
        hint: format!(
            "what wasi:http does is not recorded and is done again on a rerun: declare effects: \
             {{idempotent: true}} on the node \"{}\" if it may be, or use the interface \
             workflowforge:plugin/http",
            call.node
        ),
    }
}

fn invalid(failure: &Failure) -> RawFailure {
    let problem = failure.problem().cloned();
    let other = || Problem::new("bad_request", "the request cannot be sent as it is");
    RawFailure::Invalid(problem.unwrap_or_else(other))
}
