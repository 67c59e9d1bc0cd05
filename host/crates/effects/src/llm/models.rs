//! The named models, and how one is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use wforge_model::agent::AgentCall;
use wforge_model::effect::RequestHash;
use wforge_model::{Failure, TenantId, Value};
use wforge_ports::{Clock, Schemas, TokenMeter};

use super::answer::{Usage, bad_answer, text_of};
use super::build::build;
use super::cassette::{CassetteEntry, CassetteSink};
use super::config::{ModelsConfig, ModelsError};
use super::deltas::{Delta, Deltas};
use super::files::Files;
use super::limits::ModelLimits;
use super::request::{Request, invalid};
use super::reservation::Reservation;
use super::secret::SecretText;
use crate::deed::Deed;
use crate::http::BodyStore;
use crate::outbound::Outbound;

/// What models need of their host.
#[derive(Debug, Clone)]
pub struct ModelsParts {
    /// The way to providers. Where it lets the operator's own models pass on private addresses, it
    /// is another than that of plugins.
    pub outbound: Arc<dyn Outbound>,
    /// Waits between retries.
    pub clock: Arc<dyn Clock>,
    /// Holds and counts tokens.
    pub meter: Arc<dyn TokenMeter>,
    /// Checks answers against the schemas that they were asked to fit, and builds the mock's.
    pub schemas: Arc<dyn Schemas>,
    /// Where the files are that messages name.
    pub files: Arc<dyn BodyStore>,
    /// What a question may take, where the model says nothing.
    pub limits: ModelLimits,
    /// The providers' keys, by the variables that `api_key_variable` names.
    pub keys: BTreeMap<String, SecretText>,
    /// The cassettes to replay, by the names that `cassette` gives.
    pub cassettes: BTreeMap<String, Vec<CassetteEntry>>,
    /// Where what is recorded goes; none: no model may record.
    pub recorder: Option<Arc<dyn CassetteSink>>,
}

/// One question to a model, by the task that asks it.
#[derive(Debug, Clone, Copy)]
pub struct ModelCall<'a> {
    /// The task.
    pub call: &'a AgentCall,
    /// The element of `llm.complete`.
    pub request: &'a Value,
    /// Its hash.
    pub hash: RequestHash,
    /// The same whenever the same question is asked again; sent to the provider.
    pub idempotency_key: &'a str,
}

/// What a provider gets.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) call: ModelCall<'a>,
    pub(crate) request: &'a Request,
    /// Its files, opened.
    pub(crate) files: &'a Files,
    pub(crate) request_bytes: usize,
    /// The name that the answer says.
    pub(crate) model: &'a str,
    pub(crate) max_tokens: u32,
    pub(crate) deltas: &'a Deltas<'a>,
}

/// Asks one model; gives the answer as the guest gets it.
pub(crate) trait Answers: std::fmt::Debug + Send + Sync {
    fn ask<'a>(&'a self, asking: Asking<'a>) -> BoxFuture<'a, Result<Value, Failure>>;
}

/// One named model.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) fallbacks: Vec<String>,
    pub(crate) max_tokens_default: u32,
    pub(crate) provider: Box<dyn Answers>,
}

/// The models of one name: everybody's, and those of single tenants in its place.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) general: Option<Arc<Model>>,
    pub(crate) own: BTreeMap<TenantId, Arc<Model>>,
}

/// All models by name.
pub(crate) type Directory = BTreeMap<String, Named>;

/// The operator's named models.
#[derive(Debug)]
pub struct Models {
    models: Directory,
    meter: Arc<dyn TokenMeter>,
    schemas: Arc<dyn Schemas>,
    files: Arc<dyn BodyStore>,
    file_bytes_max: usize,
}

impl Models {
    /// The configured models; where none is configured, one that is called `mock`.
    ///
    /// # Errors
    /// The first thing that is wrong with the configuration, by model and field.
    pub fn new(config: ModelsConfig, parts: ModelsParts) -> Result<Self, ModelsError> {
        let (meter, schemas) = (Arc::clone(&parts.meter), Arc::clone(&parts.schemas));
        let (files, file_bytes_max) = (Arc::clone(&parts.files), parts.limits.file_bytes_max);
        Ok(Self { models: build(config, parts)?, meter, schemas, files, file_bytes_max })
    }

    /// Performs one element of `llm.complete`.
    pub(crate) async fn complete(
        &self,
        deed: &Deed<'_>,
        on_delta: &(dyn Fn(Delta) + Send + Sync),
    ) -> Result<Value, Failure> {
        let (call, idempotency_key) = (deed.call, deed.idempotency_key);
        let (request, hash) = (deed.asked.element, deed.asked.hash);
        self.ask(ModelCall { call, request, hash, idempotency_key }, on_delta).await
    }

    /// Asks the model that the request names, and where it cannot answer now, its fallbacks in
    /// order. Deltas come only where the request has `stream_to`.
    ///
    /// # Errors
    /// `invalid-input` for a request that no model can answer, `limit` from the meter, `upstream`
    /// for what a provider did, `failed` for a cassette or a script without an answer. What a
    /// provider refuses (`provider_refused`) is not tried elsewhere: that would hide the mistake.
    pub async fn ask(
        &self,
        call: ModelCall<'_>,
        on_delta: &(dyn Fn(Delta) + Send + Sync),
    ) -> Result<Value, Failure> {
        let request = Request::read(call.request)?;
        if let Some(schema) = &request.response_schema {
            let checked = self.schemas.check_schema(schema);
            checked.map_err(|why| invalid("bad_schema", format!("response_schema: {why}")))?;
        }
        let tenant = &call.call.tenant;
        let files = Files::open(&*self.files, tenant, &request, self.file_bytes_max).await?;
        let asked_for = (&request, &files);
        let deltas = Deltas::new(request.stream_to.is_some().then_some(on_delta));
        let asked = self.model(&call.call.tenant, &request.model)?;
        let mut outcome = self.ask_one(asked, call, asked_for, &deltas).await;
        for name in &asked.fallbacks {
            let Err(failure) = &outcome else { break };
            if !may_pass(failure) {
                break;
            }
            tracing::warn!(model = asked.name, fallback = name, code = failure.code(), "fallback");
            let next = self.model(&call.call.tenant, name)?;
            outcome = self.ask_one(next, call, asked_for, &deltas).await;
        }
        outcome
    }

    async fn ask_one(
        &self,
        model: &Model,
        call: ModelCall<'_>,
        (request, files): (&Request, &Files),
        deltas: &Deltas<'_>,
    ) -> Result<Value, Failure> {
        let max_tokens = request.max_tokens.unwrap_or(model.max_tokens_default);
        let request_bytes = call.request.to_string().len() + files.counted_bytes(request);
        let held = Reservation::new(&*self.meter, call.call, request_bytes, max_tokens).await?;
        let model_name = model.name.as_str();
        let asking =
            Asking { call, request, files, request_bytes, model: model_name, max_tokens, deltas };
        let answer = model.provider.ask(asking).await;
        // An answer that does not fit was paid for as well.
        let used = answer.as_ref().ok().and_then(Usage::of).unwrap_or_default();
        held.settle(used.total());
        let checked = answer.and_then(|answer| self.check(request, &answer).map(|()| answer));
        let outcome = checked.as_ref().err().map_or("ok", |failure| failure.kind().as_str());
        self.meter.count(model_name, outcome, &used.of_one_call());
        checked.map_err(|failure| of(model, failure))
    }

    /// Holds a finished answer to the schema that it was asked to fit.
    fn check(&self, request: &Request, answer: &Value) -> Result<(), Failure> {
        let Some(schema) = &request.response_schema else { return Ok(()) };
        if answer.get("finish").and_then(Value::as_str) != Some("stop") {
            return Ok(());
        }
        let value: Value = serde_json::from_str(&text_of(answer))
            .map_err(|_| bad_answer("the answer is no JSON, and was asked to fit a schema"))?;
        self.schemas.check(schema, &value).map_err(|reasons| {
            let first = reasons.into_iter().next().unwrap_or_default();
            bad_answer(format!("the answer does not fit the schema that was asked for: {first}"))
        })
    }

    /// The tenant's own model of that name, else everybody's.
    fn model(&self, tenant: &TenantId, name: &str) -> Result<&Model, Failure> {
        let found = self.models.get(name).and_then(|named| named.of(Some(tenant)));
        found.map(|model| &**model).ok_or_else(|| {
            let there = self.models.iter().filter(|(_, named)| named.of(Some(tenant)).is_some());
            let names: Vec<&str> = there.map(|(name, _)| name.as_str()).collect();
            let names = names.join(", ");
            invalid("unknown_model", format!("no model is called {name:?}; there are: {names}"))
        })
    }
}

impl Named {
    /// The one that a tenant gets.
    pub(crate) fn of(&self, tenant: Option<&TenantId>) -> Option<&Arc<Model>> {
        tenant.and_then(|tenant| self.own.get(tenant)).or(self.general.as_ref())
    }
}

/// What a provider did wrong, with the model whose it is: a fallback may have failed, and not the
/// model that was asked for.
fn of(model: &Model, mut failure: Failure) -> Failure {
    if let Failure::Upstream(problem) = &mut failure {
        problem.message = format!("the model {}: {}", model.name, problem.message);
    }
    failure
}

/// Whether another model may do better.
fn may_pass(failure: &Failure) -> bool {
    matches!(failure, Failure::Upstream(problem) if problem.retryable)
}
