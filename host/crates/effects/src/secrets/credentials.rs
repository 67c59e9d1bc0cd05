//! Headers that the host fills from secrets, for requests that the secret is meant for.
//!
//! The guest names header, template and secret; its request, and with it the record, is without
//! the value. Filled in is the newest one: a key that was exchanged while a task slept is no good
//! any more.

use serde::Deserialize;
use wforge_model::{Capability, Denial, Failure, HttpRule, Problem};

use super::{Current, Secrets};
use crate::outbound::headers;

/// Where the value goes in a template.
const PLACE: &str = "{}";
/// Headers of one request that the host fills.
const CREDENTIALS_MAX: usize = 8;

/// A header that the host fills.
#[derive(Debug, Deserialize)]
pub(crate) struct Credential {
    header: String,
    template: String,
    secret: String,
}

/// Adds the headers to those of a request; `rule` is the request as a rule.
pub(crate) async fn fill(
    secrets: &Secrets,
    call: &wforge_model::agent::AgentCall,
    (credentials, rule): (&[Credential], &str),
    given: &mut Vec<(String, String)>,
) -> Result<(), Failure> {
    if credentials.len() > CREDENTIALS_MAX {
        let message = format!("a request has at most {CREDENTIALS_MAX} credentials");
        return Err(Failure::InvalidInput(Problem::new("bad_credential", message)));
    }
    for credential in credentials {
        let Credential { header, template, secret } = credential;
        credential.check(given)?;
        let wanted = Capability::of("secret", &format!("{secret}:hold"));
        call.grants.require(call.plugin.as_str(), &wanted).map_err(Failure::Denied)?;
        let found = secrets.current(&call.tenant, secret).await;
        let found = found.map_err(|error| {
            tracing::error!(%error, "a secret cannot be read");
            Failure::Failed(Problem::new("secret_store", "the host could not read a secret"))
        })?;
        let Current { record, value } = found.ok_or_else(|| super::session::missing(secret))?;
        if !HttpRule::parse(rule).is_ok_and(|request| record.is_for(&request)) {
            return Err(not_meant(secret, rule));
        }
        let value = template.replacen(PLACE, value.reveal(), 1);
        headers::checked(header, &value).map_err(|reason| bad(header, reason))?;
        given.push((header.clone(), value));
    }
    Ok(())
}

impl Credential {
    /// Whether it is a header with one place for a value that nobody else fills.
    fn check(&self, given: &[(String, String)]) -> Result<(), Failure> {
        let Self { header, template, .. } = self;
        if template.matches(PLACE).count() != 1 {
            return Err(bad(header, "its template has {} once, where the secret goes"));
        }
        if given.iter().any(|(name, _)| name.eq_ignore_ascii_case(header)) {
            return Err(bad(header, "it is there twice"));
        }
        headers::checked(header, template).map(drop).map_err(|reason| bad(header, reason))
    }
}

fn bad(header: &str, reason: &str) -> Failure {
    let header: String = header.chars().take(64).collect();
    let message = format!("credential in the header {header:?}: {reason}");
    Failure::InvalidInput(Problem::new("bad_credential", message))
}

fn not_meant(secret: &str, rule: &str) -> Failure {
    let place = rule.split_once('@').map_or(rule, |(_, place)| place);
    let origin = match place.split_once("://") {
        Some((scheme, rest)) => {
            format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
        }
        None => place.to_owned(),
    };
    Failure::Denied(Denial {
        capability: "secret".to_owned(),
        resource: format!("{secret}:hold"),
        hint: format!(
            "the secret {secret} is not meant for {origin}; if it is, set it again: wforge secrets \
             set {secret} --host {origin}"
        ),
    })
}
