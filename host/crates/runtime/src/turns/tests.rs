//! The order of turns, against a time that only passes when a turn ends; no threads.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::*;
use wforge_model::TenantId;

use super::{Order, TICK_NS, Turned, Turns, cost_ns};
use crate::engine::Ticks;
use crate::guest::meter::{CpuMeter, YIELD_AFTER_NS};
use crate::tenants::Tenant;

/// The longest turn that ends in time.
const SLICE_NS_MAX: u64 = TICK_NS + YIELD_AFTER_NS;

fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// A guest that always wants to run: its number is how it is told.
#[derive(Debug, Clone)]
struct Spinner {
    tenant: TenantId,
    /// How long its turns are, one after the other, again and again.
    slices_ns: Vec<u64>,
    turns: usize,
}

impl Spinner {
    fn slice_ns(&mut self) -> u64 {
        self.turns += 1;
        self.slices_ns[self.turns % self.slices_ns.len()]
    }
}

/// Spinners on a lane of so many threads.
struct Lane {
    order: Order<usize>,
    spinners: Vec<Spinner>,
    /// When the turn of whom ends.
    running: BTreeMap<(u64, usize), u64>,
    now_ns: u64,
    ran_ns: BTreeMap<TenantId, u64>,
}

impl Lane {
    fn new(threads: usize, spinners: Vec<Spinner>) -> Self {
        let order = Order::new(threads);
        let (running, ran_ns) = (BTreeMap::new(), BTreeMap::new());
        let mut lane = Self { order, spinners, running, now_ns: 0, ran_ns };
        for number in 0..lane.spinners.len() {
            lane.comes(number);
        }
        lane
    }

    fn comes(&mut self, number: usize) {
        let tenant = self.spinners[number].tenant.clone();
        if self.order.ask(&tenant, || number).is_none() {
            self.runs(number);
        }
    }

    fn runs(&mut self, number: usize) {
        let slice_ns = self.spinners[number].slice_ns();
        self.running.insert((self.now_ns + slice_ns, number), slice_ns);
    }

    /// The next turn ends; with `again` its guest wants another one.
    fn step(&mut self, again: bool) {
        let ((now_ns, number), slice_ns) = self.running.pop_first().unwrap();
        self.now_ns = now_ns;
        let tenant = self.spinners[number].tenant.clone();
        *self.ran_ns.entry(tenant.clone()).or_default() += slice_ns;
        let cost_ns = cost_ns(slice_ns, slice_ns / TICK_NS);
        let (_, next) = self.order.give_back(&tenant, cost_ns, again.then_some(number));
        if let Some(next) = next {
            self.runs(next);
        }
    }

    fn ran_ns(&self, name: &str) -> u64 {
        self.ran_ns.get(&tenant(name)).copied().unwrap_or(0)
    }
}

fn spinners(name: &'static str, least: usize) -> impl Strategy<Value = Vec<Spinner>> {
    let slices = vec(SLICE_NS_MAX / 10..=SLICE_NS_MAX, 1..8);
    let spinner =
        slices.prop_map(move |slices_ns| Spinner { tenant: tenant(name), slices_ns, turns: 0 });
    vec(spinner, least..least + 9)
}

/// So many threads, and two tenants with guests enough for all of them.
fn lanes() -> impl Strategy<Value = (usize, Vec<Spinner>, Vec<Spinner>)> {
    (1_usize..=4).prop_flat_map(|threads| {
        (Just(threads), spinners("a", 2 * threads), spinners("b", 2 * threads))
    })
}

proptest! {
    /// The bound of start-time fair queueing: one slice of each tenant for each turn.
    #[test]
    fn in_any_window_two_tenants_that_always_run_get_the_same(
        (threads, of_a, of_b) in lanes(), from in 0_usize..300, steps in 1_usize..300,
    ) {
        let mut lane = Lane::new(threads, [of_a, of_b].concat());
        (0..from).for_each(|_| lane.step(true));
        let (a, b) = (lane.ran_ns("a"), lane.ran_ns("b"));
        for _ in 0..steps {
            lane.step(true);
            let (ran_a, ran_b) = (lane.ran_ns("a") - a, lane.ran_ns("b") - b);
            let apart_ns = ran_a.abs_diff(ran_b);
            let most_ns = 2 * SLICE_NS_MAX * u64::try_from(threads).unwrap();
            prop_assert!(apart_ns <= most_ns, "{ran_a} and {ran_b} on {threads}");
        }
    }

    #[test]
    fn whoever_comes_late_waits_for_no_more_than_the_turns_that_run(
        of_a in spinners("a", 1), steps in 0_usize..200,
    ) {
        let mut lane = Lane::new(1, of_a);
        (0..steps).for_each(|_| lane.step(true));
        let late = Spinner { tenant: tenant("b"), slices_ns: vec![SLICE_NS_MAX], turns: 0 };
        lane.spinners.push(late);
        lane.comes(lane.spinners.len() - 1);
        lane.step(true);
        lane.step(true);
        prop_assert_eq!(lane.ran_ns("b"), SLICE_NS_MAX);
        // Nothing was saved up meanwhile: from now on it is half and half.
        let (a, b) = (lane.ran_ns("a"), lane.ran_ns("b"));
        (0..50).for_each(|_| lane.step(true));
        let (a, b) = (lane.ran_ns("a") - a, lane.ran_ns("b") - b);
        prop_assert!(a.abs_diff(b) <= 2 * SLICE_NS_MAX, "{a} and {b}");
    }

    #[test]
    fn nobody_starves_and_every_turn_is_given_back(
        threads in 1_usize..4, of_a in spinners("a", 1), of_b in spinners("b", 1),
        of_c in spinners("c", 1), steps in 0_usize..200,
    ) {
        let mut lane = Lane::new(threads, [of_a, of_b, of_c].concat());
        let guests = lane.spinners.len();
        (0..steps).for_each(|_| lane.step(true));
        let turns: Vec<usize> = lane.spinners.iter().map(|spinner| spinner.turns).collect();
        // Slices differ by a factor of ten at most, and so do the turns of the largest account.
        (0..guests * 40).for_each(|_| lane.step(true));
        for (spinner, before) in lane.spinners.iter().zip(turns) {
            prop_assert!(spinner.turns > before, "one of {} starved", spinner.tenant);
        }
        (0..guests).for_each(|_| lane.step(false));
        prop_assert!(lane.running.is_empty());
        prop_assert_eq!(lane.order.free, threads);
    }

    #[test]
    fn tenants_that_went_are_forgotten(names in vec("[a-z]{3}", 1..400)) {
        let mut order: Order<()> = Order::new(2);
        for name in names {
            assert!(order.ask(&tenant(&name), || ()).is_none());
            order.give_back(&tenant(&name), 5, None);
        }
        prop_assert!(order.accounts.len() <= 2 * super::ACCOUNTS_KEPT);
    }
}

/// One copies 8 ms at a time and makes room late, the other is interrupted each 4 ms.
#[test]
fn whoever_makes_room_late_gives_back_more_than_it_took() {
    let spins =
        |name, slice_ns| Spinner { tenant: tenant(name), slices_ns: vec![slice_ns], turns: 0 };
    let mut lane = Lane::new(1, vec![spins("copies", 8_000_000), spins("counts", 4_000_000)]);
    (0..900).for_each(|_| lane.step(true));
    let (copies, counts) = (lane.ran_ns("copies"), lane.ran_ns("counts"));
    // 8 ms cost 14, so that for each of them the other one has 14 too.
    assert!((1.74..1.76).contains(&(counts as f64 / copies as f64)), "{counts} beside {copies}");
}

#[test]
fn a_tick_that_came_late_costs_nothing() {
    let cost_ms = |used_ms: u64, ticks| cost_ns(used_ms * 1_000_000, ticks) / 1_000_000;
    assert_eq!(cost_ms(4, 1), 4);
    // The first tick came before it had run for a millisecond.
    assert_eq!(cost_ms(5, 2), 5);
    assert_eq!(cost_ms(12, 1), 12);
    assert_eq!(cost_ms(12, 2), 20);
    assert_eq!(cost_ms(12, 3), 26);
}

#[test]
fn within_a_tenant_it_is_first_come_first_served() {
    let mut order = Order::new(1);
    let a = tenant("a");
    assert_eq!(order.ask(&a, || 0), None);
    for number in 1..4 {
        assert!(order.ask(&a, || number).is_some());
    }
    let told: Vec<_> = (0..4).map(|_| order.give_back(&a, 1, None).1).collect();
    assert_eq!(told, [Some(1), Some(2), Some(3), None]);
}

thread_local! {
    static NOW_NS: Cell<u64> = const { Cell::new(0) };
}

/// Whether somebody was woken.
#[derive(Default)]
struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Bell {
    fn has_rung(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

type Guest = Turned<Pin<Box<dyn Future<Output = ()>>>>;

/// A guest that runs for a whole turn, and makes room, so many times.
fn guest(turns: &Arc<Turns>, name: &str, slices: usize) -> (Guest, Arc<Tenant>) {
    let payer = Arc::new(Tenant::default());
    let meter = CpuMeter::new(1_000, || NOW_NS.get(), &payer);
    let (mut left, inner) = (slices, meter.clone());
    let runs = poll_fn(move |_| {
        NOW_NS.set(NOW_NS.get() + SLICE_NS_MAX);
        left -= 1;
        if left == 0 {
            return Poll::Ready(());
        }
        assert!(inner.must_yield().unwrap());
        Poll::Pending
    });
    let runs: Pin<Box<dyn Future<Output = ()>>> = Box::pin(runs);
    (turns.take(&tenant(name), meter, runs), payer)
}

fn poll(guest: &mut Guest, waker: &Waker) -> Poll<()> {
    Pin::new(guest).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_guest_runs_only_on_its_turn_and_is_woken_for_it() {
    let turns = Arc::new(Turns::new(1, Arc::new(Ticks::default())));
    let (bell_a, bell_b) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
    let (waker_a, waker_b) = (Waker::from(Arc::clone(&bell_a)), Waker::from(Arc::clone(&bell_b)));
    let ((mut a, pays_a), (mut b, pays_b)) = (guest(&turns, "a", 2), guest(&turns, "b", 1));
    // With nobody else the next turn is its own at once.
    assert!(poll(&mut a, &waker_a).is_pending());
    assert!(bell_a.has_rung());
    // The turn is with a, whoever polls first.
    assert!(poll(&mut b, &waker_b).is_pending());
    assert_eq!((pays_a.cpu_ms(), pays_b.cpu_ms()), (5, 0));
    assert!(poll(&mut a, &waker_a).is_ready());
    assert!(bell_b.has_rung());
    assert!(poll(&mut b, &waker_b).is_ready());
    assert_eq!((pays_a.cpu_ms(), pays_b.cpu_ms()), (10, 5));
    assert_eq!(turns.order().free, 1);
}

#[test]
fn whoever_is_dropped_gives_back_its_turn_or_its_place_in_the_queue() {
    let turns = Arc::new(Turns::new(1, Arc::new(Ticks::default())));
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut guests: Vec<Guest> = ["a", "b", "c"].map(|name| guest(&turns, name, 9).0).into();
    for guest in &mut guests {
        assert!(poll(guest, &waker).is_pending());
    }
    let (mut c, b, a) = (guests.pop().unwrap(), guests.pop().unwrap(), guests.pop().unwrap());
    // b waits, a has been given its second turn.
    drop(b);
    assert!(bell.has_rung());
    drop(a);
    assert!(bell.has_rung(), "the turn goes on to c");
    assert!(poll(&mut c, &waker).is_pending());
    drop(c);
    assert_eq!(turns.order().free, 1);
}

#[test]
fn a_guest_that_panics_gives_its_turn_back_when_it_is_dropped() {
    let turns = Arc::new(Turns::new(1, Arc::new(Ticks::default())));
    let meter = CpuMeter::new(1_000, || NOW_NS.get(), &Arc::default());
    let mut panics = turns.take(&tenant("a"), meter, poll_fn(|_| -> Poll<()> { panic!("boom") }));
    let waker = Waker::from(Arc::new(Bell::default()));
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Pin::new(&mut panics).poll(&mut Context::from_waker(&waker))
    }));
    assert!(polled.is_err());
    assert_eq!(turns.order().free, 0);
    drop(panics);
    assert_eq!(turns.order().free, 1);
}
