//! Effects as small as they can be: a question waits for its answer, a tool is called, and anything
//! else is written into the record of its task.

use std::sync::{Arc, OnceLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::effect::{Operation, Question, RecordKey, RequestHash, Waiting, question_id};
use wforge_model::{Epoch, Failure, Problem, Timestamp};
use wforge_ports::effects::{
    EffectAnswer, EffectRequest, EffectSession, Effects, EffectsError, GuestLine, TaskContext,
};
use wforge_ports::store::{EffectRecord, Phase, Record};
use wforge_ports::{AgentTools, Store, ToolCall};

#[derive(Debug)]
pub(crate) struct SmallEffects {
    store: Arc<dyn Store>,
    agents: Arc<OnceLock<Arc<dyn AgentTools>>>,
}

impl SmallEffects {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, agents: Arc::default() }
    }

    pub(crate) fn offer_agents(&self, agents: Arc<dyn AgentTools>) {
        self.agents.set(agents).unwrap();
    }
}

impl Effects for SmallEffects {
    fn open<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        let session = Session {
            store: self.store.clone(),
            agents: self.agents.clone(),
            call: task.call.clone(),
            lease: task.lease,
            next: 0,
        };
        futures::future::ready(Ok(Box::new(session) as Box<dyn EffectSession>)).boxed()
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
}

#[derive(Debug)]
struct Session {
    store: Arc<dyn Store>,
    agents: Arc<OnceLock<Arc<dyn AgentTools>>>,
    call: AgentCall,
    lease: Epoch,
    next: u32,
}

impl Session {
    async fn one(
        &mut self,
        operation: Operation,
        element: &Value,
    ) -> Result<Result<Value, Failure>, EffectAnswer> {
        match operation {
            Operation::HumanAsk => self.ask(element),
            Operation::ToolsCall => self.call_tool(element).await,
            _ => Ok(Ok(self.write(operation, element).await)),
        }
    }

    fn ask(&self, element: &Value) -> Result<Result<Value, Failure>, EffectAnswer> {
        let id = question_id(self.call.task, self.next);
        if let Some(answered) = self.call.answers.iter().find(|given| given.question == id) {
            return Ok(Ok(answered.answer.clone().unwrap()));
        }
        Err(EffectAnswer::Suspend(Waiting::Question(Question {
            id,
            prompt: element.as_str().unwrap().to_owned(),
            schema: None,
            deadline: None,
            request: RequestHash::of(Operation::HumanAsk, element),
        })))
    }

    async fn call_tool(&self, element: &Value) -> Result<Result<Value, Failure>, EffectAnswer> {
        let name = element["name"].as_str().unwrap();
        let Some(tool) = self.call.tools.get(name) else {
            return Ok(Err(Failure::Missing(Problem::new("unknown_tool", name))));
        };
        let (caller, position, lease) = (&self.call, self.next, self.lease);
        let call = ToolCall { caller, name, tool, input: &element["input"], position, lease };
        match self.agents.get().unwrap().call(call).await {
            Ok(Execution::Replied(reply)) => Ok(Ok(reply.output)),
            Ok(Execution::Failed { failure, .. }) => Ok(Err(failure)),
            Ok(Execution::Suspended(waiting)) => Err(EffectAnswer::Suspend(waiting)),
            Ok(Execution::Diverged(divergence)) => Err(EffectAnswer::Diverged(divergence)),
            Err(error) => Err(EffectAnswer::Fault(error)),
        }
    }

    async fn write(&self, operation: Operation, element: &Value) -> Value {
        let (task, attempt, position) = (self.call.task, self.call.attempt, self.next);
        let record = EffectRecord {
            request: RequestHash::of(operation, element),
            summary: operation.to_string(),
            at: Timestamp(0),
            answer: Ok(Value::Null),
            list: None,
        };
        let record = Record {
            tenant: self.call.tenant.clone(),
            run: self.call.run,
            lease: self.lease,
            key: RecordKey { task, attempt, position },
            phase: Phase::Answer(record),
            kv: Vec::new(),
        };
        self.store.record(record).await.unwrap();
        json!("written")
    }
}

impl EffectSession for Session {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        async move {
            let mut answers = Vec::new();
            for element in &request.elements {
                match self.one(request.operation, element).await {
                    Ok(answer) => answers.push(answer),
                    Err(answer) => return answer,
                }
                self.next += 1;
            }
            EffectAnswer::Answered(answers)
        }
        .boxed()
    }

    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn random_seed(&self) -> [u8; 32] {
        [0; 32]
    }
    fn position(&self) -> u32 {
        self.next
    }
    fn log(&mut self, _line: GuestLine) {}
    fn emit(&mut self, _topic: String, _payload: Value) {}
}
