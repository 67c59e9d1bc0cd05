//! Lists of requests to models, servers and tools: what is not known yet is performed side by side,
//! each element at a position of its own, written down when it ends.

use futures::future::join_all;
use wforge_model::effect::Waiting;
use wforge_model::{Failure, Problem};
use wforge_ports::EffectRequest;
use wforge_ports::store::{EffectRecord, ListPlace, Phase};

use crate::flight::{Landed, Order};
use crate::request::Asked;
use crate::session::{Answer, Session, Stop};

/// An element of a list and what is known of it.
enum Element {
    Known(EffectRecord),
    /// Decided by the host itself: a denial.
    Decided(Order, Failure),
    /// Not written down: the next version of the host may serve it.
    Unserved(Failure),
    Open(Order),
}

impl Session {
    /// Answers a whole list. Nothing is performed where one of its elements is not what was asked
    /// before at its position.
    pub(crate) async fn answer_side_by_side(
        &mut self,
        request: &EffectRequest,
    ) -> Result<Vec<Answer>, Stop> {
        let count = u32::try_from(request.elements.len()).unwrap_or(u32::MAX);
        let mut elements = Vec::with_capacity(request.elements.len());
        for (index, element) in (0..).zip(&request.elements) {
            let list = (count > 1).then_some(ListPlace { index, of: count });
            let asked = Asked::new(request.operation, element);
            elements.push(self.look_up(&asked, self.next.saturating_add(index), list)?);
        }
        if self.call.fails_unknown {
            self.announce(&elements).await?;
        }
        let pen = self.pen();
        let landed = join_all(elements.into_iter().map(|element| {
            let pen = pen.clone();
            async move {
                match element {
                    Element::Known(record) => Ok(Landed::Recorded(record)),
                    Element::Decided(order, failure) => {
                        let asked = order.asked();
                        order.write(&pen, &asked, Err(failure)).await
                    }
                    Element::Unserved(failure) => Ok(Landed::Unserved(failure)),
                    Element::Open(order) => order.fly(pen).await,
                }
            }
        }));
        let landed = landed.await;
        self.land(request, landed)
    }

    fn look_up(
        &self,
        asked: &Asked<'_>,
        position: u32,
        list: Option<ListPlace>,
    ) -> Result<Element, Stop> {
        let known = self.known_at(position);
        if known.request().is_some_and(|request| request != asked.hash) {
            return Err(self.diverged_at(position, known.summary(), &asked.summary));
        }
        if let Some(record) = known.answer {
            return Ok(Element::Known(record));
        }
        self.check_effects(position, asked)?;
        // Whatever was said of grants since, nobody knows what came of it.
        if known.intent.is_some() && self.call.fails_unknown && !asked.is_of_agent(&self.call) {
            return Err(Stop::Failed(unknown(&asked.summary)));
        }
        let permission = self.permission(asked);
        let foreign = self.references.foreign(asked.element);
        let unserved = asked.unserved();
        let (operation, hash, summary) = (asked.operation, asked.hash, asked.summary.clone());
        let element = asked.element.clone();
        let order = Order { operation, element, hash, summary, position, list };
        // Nobody gets at a blob by having it sent somewhere, or opened by somebody else.
        if let Some(Err(failure)) = foreign.map(|blob| self.may_open(blob)) {
            return Ok(Element::Decided(order, failure));
        }
        match permission {
            Err(denial) => Ok(Element::Decided(order, Failure::Denied(denial))),
            Ok(()) if !self.serves(operation) => Ok(Element::Unserved(unserved)),
            Ok(()) => Ok(Element::Open(order)),
        }
    }

    /// Says what is about to be done, where an unknown outcome must not be tried again.
    async fn announce(&self, elements: &[Element]) -> Result<(), Stop> {
        let pen = self.pen();
        for element in elements {
            let Element::Open(order) = element else { continue };
            let asked = order.asked();
            // What an agent did and did not is in its own record.
            if asked.is_of_agent(&self.call) {
                continue;
            }
            let written = pen.intent(order.position, &asked, pen.now(), None).await;
            match written.map_err(|error| Stop::Fault(crate::session::fault_of(error)))? {
                Phase::Intent(intent) if intent.request == order.hash => {}
                Phase::Intent(intent) => {
                    return Err(self.diverged_at(order.position, &intent.summary, &asked.summary));
                }
                Phase::Answer(record) => {
                    return Err(self.diverged_at(order.position, &record.summary, &asked.summary));
                }
            }
        }
        Ok(())
    }

    /// Hands the answers on in the order of the requests.
    fn land(
        &mut self,
        request: &EffectRequest,
        landed: Vec<Result<Landed, wforge_ports::effects::EffectsError>>,
    ) -> Result<Vec<Answer>, Stop> {
        let mut answers = Vec::with_capacity(landed.len());
        let mut waits = Vec::new();
        for (landed, element) in landed.into_iter().zip(&request.elements) {
            match landed.map_err(Stop::Fault)? {
                Landed::Recorded(record) => answers.push(self.pass(record)),
                Landed::Unserved(failure) => {
                    self.next = self.next.saturating_add(1);
                    answers.push(Err(failure));
                }
                Landed::Suspended(waiting) => {
                    self.next = self.next.saturating_add(1);
                    waits.push(waiting);
                }
                Landed::Diverged(divergence) => return Err(Stop::Diverged(divergence)),
                Landed::Overtaken(recorded) => {
                    let asked = Asked::new(request.operation, element);
                    return Err(self.diverged_at(self.next, &recorded, &asked.summary));
                }
            }
        }
        match all_of(&waits) {
            Some(waiting) => Err(Stop::Suspend(waiting)),
            None => Ok(answers),
        }
    }
}

/// One wait for several: the earliest moment, where there is one, else all questions together, else
/// an operator.
fn all_of(waits: &[Waiting]) -> Option<Waiting> {
    let until = waits.iter().filter_map(|waiting| match waiting {
        Waiting::Timer { until } => Some(*until),
        Waiting::Question(_) | Waiting::Questions(_) | Waiting::Quarantine { .. } => None,
    });
    if let Some(until) = until.min() {
        return Some(Waiting::Timer { until });
    }
    let asking = Waiting::asking(waits.iter().flat_map(Waiting::questions).cloned().collect());
    let put_away = || waits.iter().find(|w| matches!(w, Waiting::Quarantine { .. })).cloned();
    asking.or_else(put_away)
}

/// Of something that was about to be done when the host died, at a node that says `unknown: fail`.
fn unknown(summary: &str) -> Failure {
    let message =
        format!("the host died while it did this, and nobody knows what came of it: {summary}");
    Failure::Failed(Problem::new("effect_unknown", message))
}
