//! Effects as small as they can be: a question waits for its answer, a tool is called, and anything
//! else is written into the record of its task.

use std::sync::{Arc, Mutex, OnceLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use wforge_model::agent::{AgentCall, Divergence, Execution};
use wforge_model::effect::{Operation, Question, RecordKey, RequestHash, Waiting, question_id};
use wforge_model::{Epoch, Failure, Problem, TenantId, Timestamp};
use wforge_ports::effects::{
    EffectAnswer, EffectRequest, EffectSession, Effects, EffectsError, GuestLine, TaskContext,
};
use wforge_ports::store::{EffectRecord, Phase, Record};
use wforge_ports::{AgentTools, RawFailure, RawRequest, RawResponse, Store, ToolCall};

#[derive(Debug)]
pub(crate) struct SmallEffects {
    store: Arc<dyn Store>,
    agents: Arc<OnceLock<Arc<dyn AgentTools>>>,
    /// Tenants of which it was told that they were erased.
    pub(crate) forgotten: Mutex<Vec<TenantId>>,
}

impl SmallEffects {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, agents: Arc::default(), forgotten: Mutex::default() }
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
            replays: false,
        };
        futures::future::ready(Ok(Box::new(session) as Box<dyn EffectSession>)).boxed()
    }

    fn replay<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        let session = Session {
            store: self.store.clone(),
            agents: self.agents.clone(),
            call: task.call.clone(),
            lease: task.lease,
            next: 0,
            replays: true,
        };
        futures::future::ready(Ok(Box::new(session) as Box<dyn EffectSession>)).boxed()
    }

    fn forget_tenant(&self, tenant: &TenantId) {
        self.forgotten.lock().unwrap().push(tenant.clone());
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
    replays: bool,
}

impl Session {
    async fn one(
        &mut self,
        operation: Operation,
        element: &Value,
    ) -> Result<Result<Value, Failure>, EffectAnswer> {
        match operation {
            Operation::HumanAsk => self.ask(element),
            _ if self.replays => self.recorded(operation, element).await,
            Operation::ToolsCall => {
                let answer = self.call_tool(element).await?;
                self.record(operation, element, answer.clone()).await;
                Ok(answer)
            }
            _ => Ok(Ok(self.write(operation, element).await)),
        }
    }

    /// The answer of the record; of what is written, that it is.
    async fn recorded(
        &self,
        operation: Operation,
        element: &Value,
    ) -> Result<Result<Value, Failure>, EffectAnswer> {
        let records = self.store.records(&self.call.tenant, self.call.task).await.unwrap();
        let at = |record: &&Record| {
            (record.key.attempt, record.key.position) == (self.call.attempt, self.next)
        };
        let (position, asked) = (self.next, operation.to_string());
        let found = records.iter().find(at).map(|record| &record.phase);
        match found {
            Some(Phase::Answer(answer))
                if answer.request == RequestHash::of(operation, element) =>
            {
                let is_tool = operation == Operation::ToolsCall;
                Ok(if is_tool { answer.answer.clone() } else { Ok(json!("written")) })
            }
            Some(Phase::Answer(answer)) => {
                let recorded = answer.summary.clone();
                Err(EffectAnswer::Diverged(Divergence { position, recorded, asked }))
            }
            _ => {
                let recorded = "nothing".to_owned();
                Err(EffectAnswer::Diverged(Divergence { position, recorded, asked }))
            }
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
            assignee: None,
            note: None,
            escalation: None,
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
        if element["hangs"] == json!(true) {
            futures::future::pending::<()>().await;
        }
        self.record(operation, element, Ok(answer(operation, element))).await;
        json!("written")
    }

    async fn record(&self, operation: Operation, element: &Value, answer: Result<Value, Failure>) {
        let (task, attempt, position) = (self.call.task, self.call.attempt, self.next);
        let record = EffectRecord {
            request: RequestHash::of(operation, element),
            summary: operation.to_string(),
            at: Timestamp(0),
            answer,
            list: None,
            model: (operation == Operation::LlmComplete)
                .then(|| element["model"].as_str().unwrap().to_owned()),
            // What an agent wrote is in its own record.
            wrote: operation.writes(element) && operation != Operation::ToolsCall,
            emits: 0,
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
    }
}

/// Of a model, as large as its name is long.
fn answer(operation: Operation, element: &Value) -> Value {
    if operation != Operation::LlmComplete {
        return Value::Null;
    }
    let tokens = element["model"].as_str().unwrap().len();
    let usage = json!({ "input_tokens": tokens, "output_tokens": 1 });
    json!({ "model": element["model"], "usage": usage })
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
        self.next
    }
    fn log(&mut self, _line: GuestLine) {}
    fn emit(&mut self, _topic: String, _payload: Value) {}
}
