//! Whose guest runs next: turns on the plugins' threads, given to the tenant that used least.
//!
//! A guest is polled only while it holds a turn, for at most about one tick of the epoch. Then the
//! turn goes to the waiting tenant with the least CPU time, by the clock of start-time fair
//! queueing: whoever comes back from doing nothing starts where the others are, so that nobody
//! saves up. Within a tenant it is first come, first served. A guest that could not be interrupted
//! in time, since one instruction copied all of its memory, pays more for what it took too much.
//!
//! Never here: a thread, a timer, or what a guest does with its turn. How many sandboxes there may
//! be is another question: `places`.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use wforge_model::TenantId;

use crate::engine::{TICK_MS, Ticks};
use crate::guest::meter::{CpuMeter, YIELD_AFTER_NS};

/// The turns of one lane of threads.
#[derive(Debug)]
pub(crate) struct Turns {
    order: Mutex<Order<Waker>>,
    /// By which guests are asked to make room.
    ticks: Arc<Ticks>,
}

impl Turns {
    /// As many turns as the lane has threads.
    pub(crate) fn new(threads: usize, ticks: Arc<Ticks>) -> Self {
        Self { order: Mutex::new(Order::new(threads)), ticks }
    }

    /// The same future, polled only on a turn of its tenant, its CPU time on that meter.
    pub(crate) fn take<F: Future>(
        self: &Arc<Self>,
        tenant: &TenantId,
        meter: CpuMeter,
        guest: F,
    ) -> Turned<F> {
        Turned {
            turns: Arc::clone(self),
            tenant: tenant.clone(),
            meter,
            stands: Stands::Away,
            guest: Box::pin(guest),
        }
    }

    fn order(&self) -> MutexGuard<'_, Order<Waker>> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn give_back(&self, tenant: &TenantId, cost_ns: u64, again: Option<Waker>) -> Stands {
        let (ticket, next) = self.order().give_back(tenant, cost_ns, again);
        next.into_iter().for_each(Waker::wake);
        ticket.map_or(Stands::Away, Stands::Queued)
    }
}

/// A guest that runs by turns.
pub(crate) struct Turned<F> {
    turns: Arc<Turns>,
    tenant: TenantId,
    meter: CpuMeter,
    stands: Stands,
    guest: Pin<Box<F>>,
}

/// Where a guest stands with its turn.
#[derive(Debug, Clone, Copy)]
enum Stands {
    /// It waits for something else, or was never polled.
    Away,
    /// It waits for a turn, or has been given one since.
    Queued(Ticket),
    /// It is being polled, or was when it panicked.
    Runs,
}

impl<F> Turned<F> {
    /// Whether it may run; else it is woken once it may.
    fn has_turn(&mut self, waker: &Waker) -> bool {
        let mut order = self.turns.order();
        let ticket = match self.stands {
            Stands::Away => order.ask(&self.tenant, || waker.clone()),
            Stands::Queued(ticket) => {
                let waits = order.waiting(&self.tenant, ticket);
                waits.map(|waiting| {
                    waiting.clone_from(waker);
                    ticket
                })
            }
            Stands::Runs => None,
        };
        self.stands = ticket.map_or(Stands::Runs, Stands::Queued);
        ticket.is_none()
    }
}

impl<F: Future> Future for Turned<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if !this.has_turn(cx.waker()) {
            return Poll::Pending;
        }
        let ticks = this.turns.ticks.count();
        this.meter.begin();
        let polled = this.guest.as_mut().poll(cx);
        let ran = this.meter.end();
        let cost_ns = cost_ns(ran.used_ns, this.turns.ticks.count().saturating_sub(ticks));
        let again = (polled.is_pending() && ran.has_yielded).then(|| cx.waker().clone());
        this.stands = this.turns.give_back(&this.tenant, cost_ns, again);
        polled
    }
}

impl<F> Drop for Turned<F> {
    fn drop(&mut self) {
        let has_turn = match self.stands {
            Stands::Away => false,
            Stands::Queued(ticket) => !self.turns.order().leave(&self.tenant, ticket),
            Stands::Runs => true,
        };
        if has_turn {
            self.turns.give_back(&self.tenant, 0, None);
        }
    }
}

/// A place in the queue of a tenant; they ascend.
type Ticket = u64;

/// Between two ticks.
const TICK_NS: u64 = TICK_MS * 1_000_000;
/// What each nanosecond costs by which a guest makes room late. Others waited for it, and get that
/// time back with as much again: else they would be half as fast beside one that is slow.
const LATE_FACTOR: u64 = 3;

/// What a turn costs whoever had it: its CPU time, and more where it went on past the tick that
/// should have ended it. A tick that itself came late is nobody's fault.
fn cost_ns(used_ns: u64, ticks: u64) -> u64 {
    let past_a_turn_ns = used_ns.saturating_sub(TICK_NS + YIELD_AFTER_NS);
    let past_its_tick_ns = ticks.saturating_sub(1).saturating_mul(TICK_NS);
    let late_ns = past_a_turn_ns.min(past_its_tick_ns);
    used_ns.saturating_add(late_ns.saturating_mul(LATE_FACTOR - 1))
}

/// Accounts that are kept before those of idle tenants are looked for.
const ACCOUNTS_KEPT: usize = 64;

/// Who runs, who waits, and what each tenant has used. `W` is how one that waits is told.
#[derive(Debug)]
struct Order<W> {
    turns: usize,
    free: usize,
    /// Where whoever comes back starts: the account of the tenant that got the last turn.
    floor_ns: u64,
    /// The highest account there was.
    ceiling_ns: u64,
    tickets: Ticket,
    accounts: HashMap<TenantId, Account<W>>,
    sweep_at: usize,
}

#[derive(Debug)]
struct Account<W> {
    /// What its turns cost, and what was passed over while there was nothing to run.
    cost_ns: u64,
    running: usize,
    queue: VecDeque<(Ticket, W)>,
}

impl<W> Order<W> {
    fn new(turns: usize) -> Self {
        let turns = turns.max(1);
        Self {
            turns,
            free: turns,
            floor_ns: 0,
            ceiling_ns: 0,
            tickets: 0,
            accounts: HashMap::new(),
            sweep_at: ACCOUNTS_KEPT,
        }
    }

    /// Takes a turn at once, else waits under a ticket.
    fn ask(&mut self, tenant: &TenantId, waiter: impl FnOnce() -> W) -> Option<Ticket> {
        self.sweep();
        let floor_ns = self.floor_ns;
        let is_free = self.free > 0;
        let account =
            self.accounts.entry(tenant.clone()).or_insert_with(|| Account::starting_at(floor_ns));
        account.cost_ns = account.cost_ns.max(floor_ns);
        if is_free {
            account.running += 1;
            self.floor_ns = account.cost_ns;
            self.free -= 1;
            return None;
        }
        self.tickets += 1;
        account.queue.push_back((self.tickets, waiter()));
        Some(self.tickets)
    }

    /// The one that still waits under that ticket; none: it has its turn.
    fn waiting(&mut self, tenant: &TenantId, ticket: Ticket) -> Option<&mut W> {
        let queue = &mut self.accounts.get_mut(tenant)?.queue;
        let at = queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()?;
        queue.get_mut(at).map(|(_, waiter)| waiter)
    }

    /// Waits no more; false where it was given a turn before.
    fn leave(&mut self, tenant: &TenantId, ticket: Ticket) -> bool {
        let Some(account) = self.accounts.get_mut(tenant) else { return false };
        let found = account.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        found.is_ok_and(|at| account.queue.remove(at).is_some())
    }

    /// Ends a turn. With `again` the guest wants the next one, which is one step with the end of
    /// this one: else whoever waits would go first, however much it used. Gives its ticket, and
    /// who has got the turn.
    fn give_back(
        &mut self,
        tenant: &TenantId,
        cost_ns: u64,
        again: Option<W>,
    ) -> (Option<Ticket>, Option<W>) {
        let Some(account) = self.accounts.get_mut(tenant) else { return (None, None) };
        account.running = account.running.saturating_sub(1);
        account.cost_ns = account.cost_ns.saturating_add(cost_ns);
        self.ceiling_ns = self.ceiling_ns.max(account.cost_ns);
        let ticket = again.map(|waiter| {
            self.tickets += 1;
            account.cost_ns = account.cost_ns.max(self.floor_ns);
            account.queue.push_back((self.tickets, waiter));
            self.tickets
        });
        self.free += 1;
        let next = self.grant();
        if self.free >= self.turns {
            // Nobody runs or waits, so nobody is owed anything.
            self.floor_ns = self.ceiling_ns;
        }
        (ticket, next)
    }

    fn grant(&mut self) -> Option<W> {
        let waits = |account: &&mut Account<W>| !account.queue.is_empty();
        let rank = |account: &&mut Account<W>| {
            (account.cost_ns, account.queue.front().map(|(ticket, _)| *ticket))
        };
        let account = self.accounts.values_mut().filter(waits).min_by_key(rank)?;
        let (_, waiter) = account.queue.pop_front()?;
        account.running += 1;
        self.floor_ns = self.floor_ns.max(account.cost_ns);
        self.free -= 1;
        Some(waiter)
    }

    /// Forgets tenants that do nothing and would start at the floor anyway.
    fn sweep(&mut self) {
        if self.accounts.len() < self.sweep_at {
            return;
        }
        let floor_ns = self.floor_ns;
        self.accounts.retain(|_, account| {
            account.running > 0 || !account.queue.is_empty() || account.cost_ns > floor_ns
        });
        self.sweep_at = self.accounts.len().saturating_mul(2).max(ACCOUNTS_KEPT);
    }
}

impl<W> Account<W> {
    fn starting_at(cost_ns: u64) -> Self {
        Self { cost_ns, running: 0, queue: VecDeque::new() }
    }
}

#[cfg(test)]
mod tests;
