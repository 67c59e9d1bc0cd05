//! The data of one store, and the way of a host call through it.

use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};
use wforge_model::effect::Operation;
use wforge_model::json::{self, JsonMax};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Failure, Value};
use wforge_ports::{EffectAnswer, EffectRequest, EffectSession};

use super::calls::CallBudget;
use super::desk::Desk;
use super::errand::Errands;
use super::http_door::HttpDoor;
use super::limiter::Limiter;
use super::meter::CpuMeter;
use super::timers::Timers;
use super::unwind::Unwind;
use super::voice::Voice;
use super::wasi::{self, GuestClock};
use crate::tenants::Tenant;

/// What the host keeps beside one guest.
pub(crate) struct Guest {
    pub(crate) limiter: Limiter,
    pub(crate) cpu: CpuMeter,
    pub(crate) table: ResourceTable,
    pub(crate) timers: Timers,
    pub(crate) voice: Voice,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    http_door: HttpDoor,
    desk: Desk,
    json_max: JsonMax,
    calls: CallBudget,
}

/// The guest's ends of the ways to its host.
#[derive(Debug)]
pub(crate) struct Ends {
    pub(crate) voice: Voice,
    pub(crate) desk: Desk,
    pub(crate) errands: Errands,
}

impl Guest {
    pub(crate) fn new(
        limits: &SandboxLimits,
        (tenant, cpu): (&Arc<Tenant>, CpuMeter),
        ends: &Ends,
        clock: &GuestClock,
        effects: &dyn EffectSession,
    ) -> Self {
        let Ends { voice, desk, .. } = ends;
        let calls = CallBudget::new(limits.host_calls_max);
        let http_door = HttpDoor::new(limits, ends, calls.clone());
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(limits.handles_max).unwrap_or(usize::MAX));
        Self {
            limiter: Limiter::new(limits, tenant),
            cpu,
            table,
            timers: Timers::new(limits.timers_max),
            voice: voice.clone(),
            wasi: wasi::inert(clock, &effects.random_seed(), limits.random_bytes_max, voice),
            http: WasiHttpCtx::new(),
            http_door,
            desk: desk.clone(),
            json_max: JsonMax::of(limits),
            calls,
        }
    }

    /// Counts a host call; every function of the contract begins with it.
    pub(crate) fn count_call(&mut self) -> wasmtime::Result<()> {
        Ok(self.calls.count()?)
    }

    /// Parses a JSON argument of a host call.
    pub(crate) fn argument(&self, name: &str, text: &str) -> Result<Value, Failure> {
        json::argument(name, text, self.json_max)
    }

    /// Parses a JSON argument that may be absent.
    pub(crate) fn optional(&self, name: &str, text: Option<&str>) -> Result<Value, Failure> {
        text.map_or(Ok(Value::Null), |text| self.argument(name, text))
    }

    /// Has a call performed that takes a list and gives a list.
    pub(crate) async fn perform_all(
        &mut self,
        operation: Operation,
        elements: Result<Vec<Value>, Failure>,
    ) -> wasmtime::Result<Result<Vec<Result<Value, Failure>>, Failure>> {
        self.count_call()?;
        let elements = match elements {
            Ok(elements) => elements,
            Err(failure) => return Ok(Err(failure)),
        };
        match self.desk.ask(EffectRequest { operation, elements }).await {
            EffectAnswer::Answered(results) => Ok(Ok(results)),
            EffectAnswer::Refused(failure) => Ok(Err(failure)),
            EffectAnswer::Suspend(waiting) => Err(Unwind::Suspended(waiting).into()),
            EffectAnswer::Diverged(divergence) => Err(Unwind::Diverged(divergence).into()),
            EffectAnswer::Failed(failure) => Err(Unwind::Failed(failure).into()),
            EffectAnswer::Fault(error) => Err(Unwind::Fault(error).into()),
        }
    }

    /// Has a call performed that takes one request and gives one answer.
    pub(crate) async fn perform(
        &mut self,
        operation: Operation,
        element: Result<Value, Failure>,
    ) -> wasmtime::Result<Result<Value, Failure>> {
        let elements = element.map(|element| vec![element]);
        let results = self.perform_all(operation, elements).await?;
        Ok(results.and_then(|results| {
            let count = results.len();
            let mut results = results.into_iter();
            match (results.next(), count) {
                (Some(result), 1) => result,
                _ => Err(crate::capabilities::bad_answer(operation, "not exactly one answer")),
            }
        }))
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.http_door, table: &mut self.table, ctx: &mut self.http }
    }
}
