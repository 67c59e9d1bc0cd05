//! Stand-ins for what lies outside the API and the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use wforge_model::agent::{AgentCall, Execution, Reply};
use wforge_model::manifest::{API_VERSION, Manifest};
use wforge_model::{Digest, TenantId, Timestamp, Value};
use wforge_ports::effects::{EffectsError, GuestLine};
use wforge_ports::plugins::{AdmissionError, Admitted, Gate};
use wforge_ports::runtime::RuntimeFigures;
use wforge_ports::workflows::{ReadWorkflow, Report, WorkflowReader};
use wforge_ports::{
    AgentRuntime, BoxFuture, EffectAnswer, EffectRequest, EffectSession, Effects, PluginAdmission,
    RawFailure, RawRequest, RawResponse, RuntimeError, TaskContext,
};

/// Agents that answer their input, or never, as a switch says.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    pub(crate) hangs: Arc<AtomicBool>,
}

impl AgentRuntime for Echo {
    fn call<'a>(
        &'a self,
        call: &'a AgentCall,
        _effects: &'a mut dyn EffectSession,
    ) -> BoxFuture<'a, Result<Execution, RuntimeError>> {
        Box::pin(async {
            if self.hangs.load(Ordering::Acquire) {
                std::future::pending::<()>().await;
            }
            let output = call.input.clone();
            Ok(Execution::Replied(Reply { output, exits: Vec::new() }))
        })
    }

    fn prepare<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _component: Digest,
    ) -> BoxFuture<'a, Result<(), RuntimeError>> {
        Box::pin(async { Ok(()) })
    }

    fn cpu_ms(&self, _tenant: &TenantId) -> u64 {
        0
    }

    fn figures(&self) -> RuntimeFigures {
        RuntimeFigures { allocator: "none", ..RuntimeFigures::default() }
    }
}

/// Effects of agents that ask for none.
#[derive(Debug)]
pub(crate) struct NoEffects;

impl Effects for NoEffects {
    fn open<'a>(
        &'a self,
        _task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        Box::pin(async { Ok(Box::new(Self) as Box<dyn EffectSession>) })
    }

    fn replay<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        self.open(task)
    }

    fn redacted(
        &self,
        _tenant: &wforge_model::TenantId,
        execution: wforge_model::agent::Execution,
    ) -> wforge_model::agent::Execution {
        execution
    }

    fn forget_tenant(&self, _tenant: &TenantId) {}
}

impl EffectSession for NoEffects {
    fn perform(&mut self, _request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        Box::pin(async { EffectAnswer::Fault(EffectsError::LeaseLost) })
    }

    fn exchange(
        &mut self,
        _request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        Box::pin(std::future::ready(Err(RawFailure::Unserved)))
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn random_seed(&self) -> [u8; 32] {
        [0; 32]
    }

    fn position(&self) -> u32 {
        0
    }

    fn log(&mut self, _line: GuestLine) {}

    fn emit(&mut self, _topic: String, _payload: Value) {}
}

/// Takes a manifest for a component.
#[derive(Debug)]
pub(crate) struct ManifestsOnly;

impl PluginAdmission for ManifestsOnly {
    fn admit<'a>(
        &'a self,
        _tenant: &'a TenantId,
        bytes: Vec<u8>,
        gate: Gate,
    ) -> BoxFuture<'a, Result<Admitted, AdmissionError>> {
        Box::pin(async move {
            let refused = |message: String| AdmissionError::Refused { code: "not_wasm", message };
            let manifest =
                Manifest::from_section(&bytes).map_err(|error| refused(error.to_string()))?;
            gate(&manifest)?;
            let first = bytes.len().to_le_bytes()[0];
            Ok(Admitted {
                component: Digest::from_bytes([first; 32]),
                bytes: bytes.len() as u64,
                api: API_VERSION.into(),
                manifest,
                imports: Vec::new(),
            })
        })
    }

    fn forget(&self, _component: Digest) -> BoxFuture<'_, Result<(), AdmissionError>> {
        Box::pin(async { Ok(()) })
    }
}

/// A manifest of one agent that takes and gives anything.
pub(crate) fn manifest(name: &str, version: &str) -> Vec<u8> {
    json!({ "name": name, "version": version, "agents": [{}] }).to_string().into()
}

/// Reads drafts as JSON.
#[derive(Debug)]
pub(crate) struct DraftsOnly;

impl WorkflowReader for DraftsOnly {
    fn read(&self, name: &str, text: &str) -> Result<ReadWorkflow, Vec<Report>> {
        assert!(!text.contains("make the reader panic"), "the reader panics: secret");
        serde_json::from_str(text)
            .map(|draft| ReadWorkflow { draft, warnings: Vec::new() })
            .map_err(|error| {
                let message = error.to_string();
                let message = message.split(" at line").next().unwrap_or_default();
                vec![Report {
                    file: name.into(),
                    line: u32::try_from(error.line()).unwrap(),
                    column: u32::try_from(error.column()).unwrap(),
                    severity: "error",
                    code: "syntax".into(),
                    message: message.into(),
                    help: Some("write a workflow".into()),
                }]
            })
    }
}
