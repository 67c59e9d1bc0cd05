//! Methods that are sent.

use reqwest::Method;

/// Methods that make a tunnel or send the request back, headers and all.
const REFUSED: [&str; 2] = ["CONNECT", "TRACE"];
/// The longest method, in bytes.
const BYTES_MAX: usize = 32;

/// Text that is no method, or one that is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write one method in capitals, such as GET; CONNECT and TRACE are not sent")]
pub(crate) struct BadMethod;

/// Reads one method.
pub(crate) fn read(text: &str) -> Result<Method, BadMethod> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if !is_plain || text.len() > BYTES_MAX || REFUSED.contains(&text) {
        return Err(BadMethod);
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| BadMethod)
}
