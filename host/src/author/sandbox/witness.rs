//! Hears what passes between a guest and whoever answers it.

use futures::FutureExt as _;
use wforge_model::{Failure, Timestamp, Value};
use wforge_ports::effects::GuestLine;
use wforge_ports::{
    BoxFuture, EffectAnswer, EffectRequest, EffectSession, RawFailure, RawRequest, RawResponse,
};

use super::Effect;

/// A session that is listened to.
#[derive(Debug)]
pub(super) struct Witness<'a> {
    inner: &'a mut dyn EffectSession,
    seed: [u8; 32],
    logs: Vec<GuestLine>,
    events: Vec<(String, Value)>,
    effects: Vec<Effect>,
}

impl<'a> Witness<'a> {
    pub(super) fn new(inner: &'a mut dyn EffectSession, seed: [u8; 32]) -> Self {
        let (logs, events, effects) = Default::default();
        Self { inner, seed, logs, events, effects }
    }

    /// Everything that was heard: lines, events, effects.
    pub(super) fn told(self) -> (Vec<GuestLine>, Vec<(String, Value)>, Vec<Effect>) {
        (self.logs, self.events, self.effects)
    }

    fn hear(&mut self, request: EffectRequest, answer: &EffectAnswer) {
        let operation = request.operation;
        for (place, element) in request.elements.into_iter().enumerate() {
            let answer = match answer {
                EffectAnswer::Answered(answers) => answers.get(place).cloned(),
                EffectAnswer::Refused(failure) | EffectAnswer::Failed(failure) => {
                    Some(Err::<Value, Failure>(failure.clone()))
                }
                EffectAnswer::Suspend(_) | EffectAnswer::Diverged(_) | EffectAnswer::Fault(_) => {
                    None
                }
            };
            self.effects.push(Effect { operation: Some(operation), element, answer });
        }
    }
}

impl EffectSession for Witness<'_> {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        Box::pin(async move {
            let answer = self.inner.perform(request.clone()).await;
            self.hear(request, &answer);
            answer
        })
    }

    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        let mut effect = Effect::unrecorded(&request);
        let mut exchange = self.inner.exchange(request);
        // Grants are checked as it begins: a denial is there at once. What comes later is unheard.
        let outcome = (&mut exchange).now_or_never();
        if let Some(Err(RawFailure::Denied(denial))) = &outcome {
            effect.answer = Some(Err(Failure::Denied(denial.clone())));
        }
        self.effects.push(effect);
        match outcome {
            Some(outcome) => Box::pin(std::future::ready(outcome)),
            None => exchange,
        }
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn random_seed(&self) -> [u8; 32] {
        self.seed
    }

    fn position(&self) -> u32 {
        self.inner.position()
    }

    fn recorded(&self) -> u32 {
        self.inner.recorded()
    }

    fn log(&mut self, line: GuestLine) {
        self.logs.push(line.clone());
        self.inner.log(line);
    }

    fn log_dropped(&mut self, lines: u64) {
        self.inner.log_dropped(lines);
    }

    fn emit(&mut self, topic: String, payload: Value) {
        self.events.push((topic.clone(), payload.clone()));
        self.inner.emit(topic, payload);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::author::sandbox::Call;
    use crate::author::script::Scripted;

    #[test]
    fn a_denial_of_the_guests_own_client_is_heard() {
        let plugin = "test/fixture".parse().unwrap();
        let mut nothing = Scripted::nothing(&plugin, &Call::of("main", json!({})));
        let mut witness = Witness::new(&mut nothing, [0; 32]);
        let request = RawRequest {
            method: "GET".to_owned(),
            url: "https://a.example/".to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
        };
        let answer = witness.exchange(request).now_or_never();
        assert!(matches!(answer, Some(Err(RawFailure::Denied(_)))), "{answer:?}");
        let (_, _, effects) = witness.told();
        assert!(effects[0].is_denied());
    }
}
