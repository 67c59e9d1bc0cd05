//! Who listens to which run. Slow listeners miss what is not kept and never hold up a run.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{broadcast, watch};
use wforge_model::agent::AgentCall;
use wforge_model::event::StoredEvent;
use wforge_model::{RunId, TenantId, ThreadId, Value};
use wforge_ports::effects::{GuestLevel, GuestLine, GuestOutput};
use wforge_ports::figures::Kept;

use crate::lines::Lines;
use crate::request::RunMessage;

/// Lines of guests that are kept for a first listener, of all runs together.
const UNHEARD_MAX: usize = 1_024;

/// The subscribers of all live runs.
#[derive(Debug)]
pub struct RunBus {
    lag_max: usize,
    senders: Mutex<HashMap<(TenantId, RunId), broadcast::Sender<RunMessage>>>,
    /// Who waits for the next run of which thread.
    threads: Mutex<HashMap<(TenantId, ThreadId), watch::Sender<()>>>,
    /// What guests said before anybody listened, for whoever listens first: a run may be over
    /// before the one who started it has asked for what comes of it.
    unheard: Mutex<VecDeque<(TenantId, RunId, RunMessage)>>,
    /// What guests wrote, for whoever looks later.
    pub(crate) lines: Lines,
}

impl RunBus {
    /// A bus whose subscribers may be so many messages behind.
    #[must_use]
    pub fn new(lag_max: usize) -> Self {
        let (senders, threads, unheard) = Default::default();
        Self { lag_max: lag_max.max(1), senders, threads, unheard, lines: Lines::default() }
    }

    /// Listens to what is durable from now on; lines are left to whoever wants them.
    pub(crate) fn await_events(
        &self,
        tenant: &TenantId,
        run: RunId,
    ) -> broadcast::Receiver<RunMessage> {
        self.receiver(tenant, run, false)
    }

    pub(crate) fn subscribe(
        &self,
        tenant: &TenantId,
        run: RunId,
    ) -> broadcast::Receiver<RunMessage> {
        self.receiver(tenant, run, true)
    }

    fn receiver(
        &self,
        tenant: &TenantId,
        run: RunId,
        hears: bool,
    ) -> broadcast::Receiver<RunMessage> {
        let mut senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        senders.retain(|_, sender| sender.receiver_count() > 0);
        let sender = senders
            .entry((tenant.clone(), run))
            .or_insert_with(|| broadcast::channel(self.lag_max).0);
        let receiver = sender.subscribe();
        let unheard = if hears { self.take_unheard(tenant, run) } else { Vec::new() };
        for message in unheard {
            let _ = sender.send(message);
        }
        receiver
    }

    /// Hears whenever a run begins on a thread.
    pub(crate) fn await_runs(&self, tenant: &TenantId, thread: ThreadId) -> watch::Receiver<()> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|_, sender| sender.receiver_count() > 0);
        let sender = threads.entry((tenant.clone(), thread));
        sender.or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Tells whoever follows a thread that a run has begun on it, which is durable by now.
    pub(crate) fn has_begun(&self, tenant: &TenantId, thread: ThreadId) {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = threads.get(&(tenant.clone(), thread)) {
            sender.send_replace(());
        }
    }

    /// Who listens, and what is kept for those who will.
    pub(crate) fn kept(&self) -> [Kept; 3] {
        let runs = self.senders.lock().unwrap_or_else(PoisonError::into_inner).len();
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).len();
        let unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner).len();
        [
            Kept::entries("listened_runs", runs + threads),
            Kept::entries("unheard_lines", unheard),
            self.lines.kept(),
        ]
    }

    /// Drops what guests of a tenant said that nobody has heard.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        self.lines.forget_tenant(tenant);
        let mut unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
        unheard.retain(|(of, _, _)| of != tenant);
    }

    fn take_unheard(&self, tenant: &TenantId, run: RunId) -> Vec<RunMessage> {
        let mut unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, others) = std::mem::take(&mut *unheard)
            .into_iter()
            .partition::<VecDeque<_>, _>(|(of, id, _)| of == tenant && *id == run);
        *unheard = others;
        own.into_iter().map(|(_, _, message)| message).collect()
    }

    /// Tells it to whoever listens, or keeps it a while for the first who will.
    fn say(&self, call: &AgentCall, message: RunMessage) {
        // Nobody begins to listen in between.
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = senders.get(&(call.tenant.clone(), call.run)) {
            let _ = sender.send(message);
            return;
        }
        let mut unheard = self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
        if unheard.len() >= UNHEARD_MAX {
            unheard.pop_front();
        }
        unheard.push_back((call.tenant.clone(), call.run, message));
    }

    pub(crate) fn publish(
        &self,
        tenant: &TenantId,
        run: RunId,
        events: impl Iterator<Item = StoredEvent>,
    ) {
        if let Some(sender) = self.sender(tenant, run) {
            for event in events {
                // Without a subscriber there is nobody to tell.
                let _ = sender.send(RunMessage::Event(event));
            }
        }
    }

    fn sender(&self, tenant: &TenantId, run: RunId) -> Option<broadcast::Sender<RunMessage>> {
        let senders = self.senders.lock().unwrap_or_else(PoisonError::into_inner);
        // Most runs have no subscriber, so the key is only made where there is any.
        if senders.is_empty() {
            return None;
        }
        senders.get(&(tenant.clone(), run)).cloned()
    }

    fn send(&self, call: &AgentCall, message: RunMessage) {
        if let Some(sender) = self.sender(&call.tenant, call.run) {
            let _ = sender.send(message);
        }
    }
}

impl GuestOutput for RunBus {
    fn line(&self, call: &AgentCall, line: GuestLine) {
        let fields: String =
            line.fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let message = line.message + &fields;
        self.lines.keep(call, line.level, &message);
        let (node, level) = (call.node.clone(), level_name(line.level));
        self.say(call, RunMessage::Line { node, task: call.task, level, message });
    }

    fn emitted(&self, call: &AgentCall, ordinal: u32, topic: String, payload: Value) {
        let node = call.node.clone();
        self.send(call, RunMessage::Emitted { node, task: call.task, ordinal, topic, payload });
    }

    fn delta(&self, call: &AgentCall, position: u32, n: u32, topic: &str, text: &str) {
        let (node, task, topic) = (call.node.clone(), call.task, topic.to_owned());
        let text = text.to_owned();
        self.send(call, RunMessage::Delta { node, task, position, n, topic, text });
    }
}

const fn level_name(level: GuestLevel) -> &'static str {
    match level {
        GuestLevel::Trace => "trace",
        GuestLevel::Debug => "debug",
        GuestLevel::Info => "info",
        GuestLevel::Warn => "warn",
        GuestLevel::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(bus: &RunBus, message: String) {
        let line = GuestLine { level: GuestLevel::Info, message, fields: Vec::new() };
        bus.line(&wforge_testkit::call(), line);
    }

    fn heard(receiver: &mut broadcast::Receiver<RunMessage>) -> Vec<String> {
        let mut heard = Vec::new();
        while let Ok(RunMessage::Line { message, .. }) = receiver.try_recv() {
            heard.push(message);
        }
        heard
    }

    #[test]
    fn what_was_said_before_anybody_listened_is_heard_once_by_the_first_who_does() {
        let (bus, call) = (RunBus::new(8), wforge_testkit::call());
        say(&bus, "early".to_owned());
        let mut waits = bus.await_events(&call.tenant, call.run);
        let mut first = bus.subscribe(&call.tenant, call.run);
        let mut second = bus.subscribe(&call.tenant, call.run);
        say(&bus, "late".to_owned());
        assert_eq!(heard(&mut first), ["early", "late"]);
        assert_eq!(heard(&mut second), ["late"]);
        assert_eq!(heard(&mut waits).last().unwrap(), "late");
    }

    #[test]
    fn of_more_than_is_kept_the_oldest_goes_and_an_erased_tenant_leaves_nothing() {
        let (bus, call) = (RunBus::new(UNHEARD_MAX + 1), wforge_testkit::call());
        (0..=UNHEARD_MAX).for_each(|n| say(&bus, n.to_string()));
        let kept = heard(&mut bus.subscribe(&call.tenant, call.run));
        assert_eq!((kept.len(), kept[0].as_str()), (UNHEARD_MAX, "1"));
        say(&bus, "gone".to_owned());
        bus.forget_tenant(&call.tenant);
        assert_eq!(heard(&mut bus.subscribe(&call.tenant, call.run)), Vec::<String>::new());
    }
}
