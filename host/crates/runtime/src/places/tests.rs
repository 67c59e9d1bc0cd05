//! Calls that want places, in an order that the test says.

use std::future::Future;
use std::pin::Pin;

use futures::FutureExt as _;
use wforge_model::Digest;

use super::{Place, Places, Wanted};

fn digest(plugin: u8) -> Digest {
    Digest::from_bytes([plugin; 32])
}

/// A call of a plugin that may be called twice at the same time, by a tenant that may make three.
fn call(tenant: &str, plugin: u8) -> Wanted {
    Wanted {
        tenant: tenant.parse().unwrap(),
        component: digest(plugin),
        tenant_max: 3,
        plugin_max: 2,
        is_nested: false,
    }
}

type Waiting = Pin<Box<dyn Future<Output = Place>>>;

fn wants(places: &Places, wanted: Wanted) -> Waiting {
    let places = places.clone();
    let mut waiting: Waiting = Box::pin(async move { places.take(&wanted).await });
    if let Some(place) = waiting.as_mut().now_or_never() {
        return Box::pin(std::future::ready(place));
    }
    waiting
}

fn has(waiting: &mut Waiting) -> Option<Place> {
    waiting.now_or_never()
}

#[test]
fn a_plugin_a_tenant_and_the_pool_each_have_their_places() {
    let places = Places::new(4);
    let mut first: Vec<_> = [1, 1, 2].map(|plugin| wants(&places, call("a", plugin))).into();
    let held: Vec<Place> = first.iter_mut().map(|call| has(call).unwrap()).collect();
    let mut of_plugin = wants(&places, call("a", 1));
    let mut of_tenant = wants(&places, call("a", 3));
    assert!(has(&mut of_plugin).is_none() && has(&mut of_tenant).is_none());
    let other = has(&mut wants(&places, call("b", 1))).unwrap();
    let mut of_pool = wants(&places, call("b", 1));
    assert!(has(&mut of_pool).is_none());
    assert_eq!(places.taken(), 4);
    drop((held, other));
    assert_eq!(places.taken(), 3, "the three that waited");
    drop((of_plugin, of_tenant, of_pool));
    assert_eq!(places.taken(), 0);
    assert!(places.lock().tenants.is_empty(), "nothing is kept of who has gone");
}

#[test]
fn a_tenant_that_holds_less_goes_first_and_then_whoever_came_first() {
    let places = Places::new(2);
    let held = [1, 1].map(|plugin| has(&mut wants(&places, call("a", plugin))).unwrap());
    let mut more = [2, 3].map(|plugin| wants(&places, call("a", plugin)));
    let mut other = wants(&places, call("b", 9));
    let [one, two] = held;
    drop(one);
    let other = has(&mut other).unwrap();
    drop(two);
    let [second, third] = &mut more;
    assert!(has(third).is_none());
    let second = has(second).unwrap();
    drop(other);
    assert!(has(third).is_some());
    drop(second);
}

#[test]
fn an_agent_that_another_one_called_goes_before_those_of_its_tenant() {
    let places = Places::new(1);
    let held = has(&mut wants(&places, call("a", 1))).unwrap();
    let mut early = wants(&places, call("a", 2));
    let mut nested = wants(&places, Wanted { is_nested: true, ..call("a", 3) });
    drop(held);
    assert!(has(&mut early).is_none());
    assert!(has(&mut nested).is_some());
    assert!(has(&mut early).is_some());
}

#[test]
fn whoever_stops_waiting_takes_no_place_with_it() {
    let places = Places::new(1);
    let held = has(&mut wants(&places, call("a", 1))).unwrap();
    let (gone, given) = (wants(&places, call("a", 1)), wants(&places, call("a", 1)));
    let mut last = wants(&places, call("a", 1));
    drop(gone);
    drop(held);
    assert_eq!(places.taken(), 1, "it is with a call that does not know yet");
    assert!(has(&mut last).is_none());
    drop(given);
    assert!(has(&mut last).is_some());
    assert_eq!(places.taken(), 0);
}
