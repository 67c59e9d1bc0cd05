//! A model that answers at once, asked with a record and without.

use serde_json::json;
use wforge_effects::{Deed, Done, World};
use wforge_model::effect::Operation;
use wforge_model::{Failure, Problem, TenantId, Timestamp, Value};
use wforge_ports::effects::{EffectsError, GuestLine, TaskContext};
use wforge_ports::{BoxFuture, EffectAnswer, EffectRequest, EffectSession, Effects};
use wforge_ports::{RawFailure, RawRequest, RawResponse};

/// The model that answers at once.
#[derive(Debug)]
pub(crate) struct AtOnce;

impl World for AtOnce {
    fn serves(&self, operation: Operation) -> bool {
        operation == Operation::LlmComplete
    }

    fn perform<'a>(&'a self, _deed: &'a Deed<'a>) -> BoxFuture<'a, Result<Done, EffectsError>> {
        Box::pin(std::future::ready(Ok(Done::Answered(Ok(answer())))))
    }

    fn exchange<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _request: RawRequest,
    ) -> BoxFuture<'a, Result<RawResponse, RawFailure>> {
        Box::pin(std::future::ready(Err(RawFailure::Unserved)))
    }
}

/// Effects that nobody writes down.
#[derive(Debug)]
pub(crate) struct Unrecorded;

impl Effects for Unrecorded {
    fn open<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        let session = UnrecordedSession { began_at: task.call.began_at, position: 0 };
        Box::pin(std::future::ready(Ok(Box::new(session) as Box<dyn EffectSession>)))
    }

    fn replay<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        self.open(task)
    }

    fn forget_tenant(&self, _tenant: &TenantId) {}
}

#[derive(Debug)]
struct UnrecordedSession {
    began_at: Timestamp,
    position: u32,
}

impl EffectSession for UnrecordedSession {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        let answer = if request.operation == Operation::LlmComplete {
            self.position += 1;
            EffectAnswer::Answered(vec![Ok(answer())])
        } else {
            let problem = Problem::new("unserved", request.operation.as_str());
            EffectAnswer::Refused(Failure::Failed(problem))
        };
        Box::pin(std::future::ready(answer))
    }

    fn exchange(
        &mut self,
        _request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        Box::pin(std::future::ready(Err(RawFailure::Unserved)))
    }

    fn now(&self) -> Timestamp {
        self.began_at
    }

    fn random_seed(&self) -> [u8; 32] {
        [3; 32]
    }

    fn position(&self) -> u32 {
        self.position
    }

    fn log(&mut self, _line: GuestLine) {}

    fn emit(&mut self, _topic: String, _payload: Value) {}
}

fn answer() -> Value {
    json!({
        "message": { "role": "assistant", "parts": [{ "type": "text", "text": "yes" }] },
        "finish": "stop",
        "usage": { "input_tokens": 12, "output_tokens": 1 },
        "model": "fast",
        "extra": {},
    })
}
