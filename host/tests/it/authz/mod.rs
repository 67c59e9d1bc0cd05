//! Who may do what: every route with every role and credential, on a real server with real things
//! of two tenants. `make authz` prints each row.
//!
//! The rows come from the server's own table of routes; a route for which [`things`] has no sample
//! fails here.

mod hostile;
mod report;
mod timing;
mod world;

use wforge_api::{Access, ROUTES, Role, Route};

use report::Report;
use world::World;

pub(crate) use world::SECRET;

#[test]
fn who_may_do_what() {
    let world = World::start();
    let mut report = Report::default();
    for route in ROUTES {
        roles(&world, route, &mut report);
        scopes(&world, route, &mut report);
        others(&world, route, &mut report);
    }
    lists_hold_nothing_of_others(&world, &mut report);
    ids_in_bodies(&world, &mut report);
    suspended(&world, &mut report);
    hostile::check(&world, &mut report);
    if std::env::var_os("WFORGE_AUTHZ_TIMING").is_some() {
        timing::check(&world, &mut report);
    }
    report.finish(ROUTES.len(), Role::ALL.len(), world::TENANTS.len());
}

/// Admitted, or refused with which code.
fn outcome(status: u16, text: &str) -> String {
    let code = serde_json::from_str::<serde_json::Value>(text)
        .ok()
        .and_then(|json| json["code"].as_str().map(ToOwned::to_owned));
    match (status, code) {
        (401 | 403 | 429, Some(code)) => code,
        _ => "admitted".to_owned(),
    }
}

/// Nobody, and each role, with things that are not there: the check comes before the looking.
fn roles(world: &World, route: &Route, report: &mut Report) {
    let path = world.missing(route);
    for role in std::iter::once(None).chain(Role::ALL.map(Some)) {
        let key = role.map(|role| world.key("acme", role));
        let reply = world.call(route, &path, key);
        let expected = match (route.access, role) {
            (Access::Open, _) => "admitted",
            (Access::Role { .. }, None) => "WF0401",
            (Access::Role { least, .. }, Some(role)) if role < least => "WF0403",
            (Access::Role { .. }, Some(_)) => "admitted",
        };
        let who = role.map_or("nobody", Role::as_str);
        report.row(route, who, &outcome(reply.status, &reply.text), expected);
    }
}

/// A key of the highest role that was narrowed to another noun, to reading, and to just this.
fn scopes(world: &World, route: &Route, report: &mut Report) {
    let Access::Role { scope, .. } = route.access else { return };
    let path = world.missing(route);
    let noun = scope.noun.as_str();
    let other = if noun == "runs" { "threads:write" } else { "runs:write" };
    let read = format!("{noun}:read");
    let exact = scope.to_string();
    // An export is of everything, so that no narrowed key makes one.
    let admitted = if route.path == "/v1/export" { "WF0403" } else { "admitted" };
    let reading = if scope.write { "WF0403" } else { admitted };
    for (given, expected) in [(other, "WF0403"), (&read, reading), (&exact, admitted)] {
        let reply = world.call(route, &path, Some(world.narrow(given)));
        report.row(route, &format!("scope {given}"), &outcome(reply.status, &reply.text), expected);
    }
}

/// Another tenant's things, by their real ids: as if they were not there. Their owner finds them.
fn others(world: &World, route: &Route, report: &mut Report) {
    let is_platforms =
        ["/v1/tenants/", "/v1/platform/"].iter().any(|it| route.path.starts_with(it));
    let Some(path) = world.of_acme(route).filter(|_| !is_platforms) else { return };
    // What is put has the name that whoever puts it chose: among their own, not in ours.
    if route.method == "PUT" {
        return;
    }
    let theirs = world.call(route, &path, Some(world.key("other", Role::Admin)));
    report.row(route, "other's admin", &theirs.status.to_string(), "404");
    // What was asked for may be said again; nothing else of acme may be.
    let asked = format!("{path} {}", world.body(route).1);
    let unasked = world.canaries().iter().filter(|canary| !asked.contains(canary.as_str()));
    for canary in unasked {
        assert!(!theirs.text.contains(canary), "{canary} in {}", theirs.text);
    }
    if route.method == "GET" {
        // A stream of events has no end, so only its head is read.
        let owner = world.head(&path, world.key("acme", Role::Admin));
        report.row(route, "its owner", &owner.to_string(), "200");
    }
}

fn lists_hold_nothing_of_others(world: &World, report: &mut Report) {
    for route in ROUTES.iter().filter(|route| route.method == "GET" && !route.path.contains('{')) {
        let Access::Role { least, .. } = route.access else { continue };
        if least == Role::Platform {
            continue;
        }
        let reply = world.call(route, route.path, Some(world.key("other", Role::Admin)));
        let leaked = world.canaries().iter().any(|canary| reply.text.contains(canary));
        let found = if leaked { "leaks" } else { "nothing of acme" };
        report.row(route, "list of other", found, "nothing of acme");
    }
}

/// Ids of another tenant's things inside of bodies.
fn ids_in_bodies(world: &World, report: &mut Report) {
    for (name, path, body, expected) in world.smuggled() {
        let reply = world.post(&path, &body, world.key("other", Role::Admin));
        let leaked = world.canaries().iter().any(|canary| {
            !body.to_string().contains(canary)
                && !path.contains(canary)
                && reply.text.contains(canary)
        });
        let found = if leaked { "leaks".to_owned() } else { reply.status.to_string() };
        report.line(&format!("POST {path}"), &format!("other's admin, {name}"), &found, expected);
    }
}

fn suspended(world: &World, report: &mut Report) {
    for route in ROUTES {
        let Access::Role { .. } = route.access else { continue };
        let reply = world.call(route, &world.missing(route), Some(world.suspended()));
        report.row(route, "suspended", &outcome(reply.status, &reply.text), "WF1008");
    }
}
