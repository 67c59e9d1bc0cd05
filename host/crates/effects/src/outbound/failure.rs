//! What a library says of an exchange that did not succeed, in the words of [`OutboundError`], and
//! that in the words of the contract with plugins.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use wforge_model::{Denial, Failure, Problem, Recording};
use wforge_ports::RawFailure;

use super::OutboundError;
use super::names::Refused;

/// The longest reason that is passed on, in characters.
const REASON_CHARS_MAX: usize = 200;

/// Why an exchange with that host did not succeed.
pub(crate) fn of_exchange(error: reqwest::Error, host: &str, limit: Duration) -> OutboundError {
    let host = host.to_owned();
    // The URL may hold what is nobody else's business.
    let error = error.without_url();
    if let Some(Refused(address)) = find(&error) {
        return OutboundError::Forbidden { host, address: *address };
    }
    let reason = reason(&error);
    if error.is_connect() {
        return OutboundError::Unreachable { host, reason, is_timeout: error.is_timeout() };
    }
    if error.is_timeout() {
        return OutboundError::Timeout { host, limit_ms: millis(limit) };
    }
    if error.is_builder() {
        return OutboundError::Invalid { reason };
    }
    OutboundError::Broken { host, reason }
}

/// The failure that a guest sees.
pub(crate) fn told(error: &OutboundError) -> Failure {
    let problem = |code: &str| Problem::new(code, error.to_string());
    match error {
        OutboundError::Invalid { .. } => Failure::InvalidInput(problem("bad_request")),
        OutboundError::Forbidden { host, address } => {
            Failure::Denied(forbidden("http", error, host, *address))
        }
        OutboundError::Unreachable { .. } => Failure::Upstream(problem("unreachable").retryable()),
        OutboundError::Broken { .. } => Failure::Upstream(problem("broken").retryable()),
        OutboundError::Timeout { .. } => Failure::Upstream(problem("timeout").retryable()),
        OutboundError::TooLarge { .. } => Failure::Limit(problem("response_bytes")),
    }
}

/// The failure of a guest's own HTTP client.
pub(crate) fn raw(error: &OutboundError) -> RawFailure {
    let text = error.to_string();
    match error {
        OutboundError::Invalid { .. } => RawFailure::Invalid(Problem::new("bad_request", text)),
        OutboundError::Forbidden { host, address } => {
            let denial = forbidden(Recording::UNRECORDED_KIND, error, host, *address);
            RawFailure::AddressForbidden(denial)
        }
        OutboundError::Unreachable { is_timeout: true, .. } => RawFailure::ConnectTimeout(text),
        OutboundError::Unreachable { .. } => RawFailure::Unreachable(text),
        OutboundError::Broken { .. } => RawFailure::Broken(text),
        OutboundError::Timeout { .. } => RawFailure::Timeout(text),
        OutboundError::TooLarge { limit, .. } => {
            RawFailure::ResponseTooLarge { reason: text, bytes_max: *limit }
        }
    }
}

fn forbidden(capability: &str, error: &OutboundError, host: &str, address: IpAddr) -> Denial {
    let exception = if address.is_ipv4() { address.to_string() } else { format!("[{address}]") };
    Denial {
        capability: capability.to_owned(),
        resource: host.to_owned(),
        hint: format!(
            "{error}; if it is meant, the operator adds \"{exception}\" to outbound.allow in the \
             host's configuration"
        ),
    }
}

/// The first cause of that type.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The text of the innermost cause: those around it say where they are, not what happened.
fn reason(error: &(dyn Error + 'static)) -> String {
    let innermost = causes(error).last().map(ToString::to_string).unwrap_or_default();
    innermost.chars().take(REASON_CHARS_MAX).collect()
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
