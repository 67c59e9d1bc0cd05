//! Secrets of a tenant, as they are kept: what may be shown of one, and its values apart from that.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{HttpRule, Timestamp};

/// The longest name of a secret, in bytes: it is part of grants, `secret:<name>:reveal`.
pub const NAME_BYTES_MAX: usize = 64;
/// The shortest value, in bytes: a shorter one stands in many a text that has nothing to do with
/// it, so that it could not be taken out of what a plugin says.
pub const VALUE_BYTES_MIN: usize = 8;

/// What a secret is called: letters, digits, `.`, `-` and `_`, a letter or digit first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// Text that is no name of a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret's name has 1 to {NAME_BYTES_MAX} letters, digits, dots, - and _, and begins with a \
     letter or digit"
)]
pub struct ParseSecretNameError;

impl SecretName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Under which key one of its values is kept; in order of the versions.
    #[must_use]
    pub fn value_key(&self, version: u64) -> String {
        format!("{}@{version:020}", self.0)
    }
}

impl FromStr for SecretName {
    type Err = ParseSecretNameError;

    fn from_str(text: &str) -> Result<Self, ParseSecretNameError> {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_inner) {
            return Ok(Self(text.to_string()));
        }
        Err(ParseSecretNameError)
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::id::text_serde!(SecretName, "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$");

/// A secret without its values. One that was removed stays as a name without versions, so that no
/// version is ever another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// Its name.
    pub name: SecretName,
    /// For which requests the host fills it into a header: rules as grants of `http` have them.
    pub hosts: Vec<String>,
    /// The versions whose values are kept, the newest last.
    pub versions: Vec<SecretVersion>,
    /// The next version, from 1.
    pub next: u64,
}

/// A value of a secret, without the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SecretVersion {
    /// Its number.
    pub version: u64,
    /// When it was set.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
}

impl SecretRecord {
    /// One that nobody has set yet.
    #[must_use]
    pub const fn new(name: SecretName) -> Self {
        Self { name, hosts: Vec::new(), versions: Vec::new(), next: 1 }
    }

    /// The newest version; none where it was removed.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        self.versions.last().map(|version| version.version)
    }

    /// Whether it is meant for a request, which is a rule as well.
    #[must_use]
    pub fn is_for(&self, request: &HttpRule) -> bool {
        let covers = |rule: &String| HttpRule::parse(rule).is_ok_and(|rule| rule.covers(request));
        self.hosts.iter().any(covers)
    }
}

/// What tenants may keep as secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretLimits {
    /// Secrets of one tenant.
    pub count_max: usize,
    /// The longest value, in bytes.
    pub value_bytes_max: usize,
    /// Values of one secret that are kept, the newest and those before it.
    pub versions_max: usize,
    /// Rules of one secret.
    pub hosts_max: usize,
}

impl Default for SecretLimits {
    fn default() -> Self {
        Self { count_max: 100, value_bytes_max: 4 << 10, versions_max: 8, hosts_max: 16 }
    }
}

/// Why something cannot be the value of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Too short to be found in a text.
    #[error("a secret has at least {VALUE_BYTES_MIN} bytes: a shorter one is no secret")]
    TooShort,
    /// Longer than the limit.
    #[error("a secret may have at most {0} bytes (limits.secrets.value_bytes_max)")]
    TooLong(usize),
    /// What no header carries, or what would end it.
    #[error("a secret is one line of printable ASCII: no line breaks, no control characters")]
    Text,
}

/// Checks a value.
///
/// # Errors
/// What is wrong with it; never the value.
pub fn check_value(value: &str, bytes_max: usize) -> Result<(), BadValue> {
    if value.len() < VALUE_BYTES_MIN {
        return Err(BadValue::TooShort);
    }
    if value.len() > bytes_max {
        return Err(BadValue::TooLong(bytes_max));
    }
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) || value.trim() != value {
        return Err(BadValue::Text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::{BadValue, NAME_BYTES_MAX, SecretName, SecretRecord, check_value};
    use crate::HttpRule;

    #[test]
    fn a_name_is_one_word_that_fits_into_a_grant() {
        for name in ["a", "GITHUB_TOKEN", "api.example-1", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(name.parse::<SecretName>().unwrap().as_str(), name);
        }
        for name in ["", ".a", "-a", "a:b", "a b", "a/b", "a@1", "ä", &"x".repeat(65)] {
            name.parse::<SecretName>().unwrap_err();
        }
    }

    #[test]
    fn keys_of_values_are_in_order_of_the_versions() {
        let name: SecretName = "a".parse().unwrap();
        assert!(name.value_key(9) < name.value_key(10));
    }

    #[test]
    fn a_value_fits_into_a_header_and_is_no_common_word() {
        let check = |value: &str| check_value(value, 16);
        assert_eq!(check("12345678"), Ok(()));
        assert_eq!(check("1234567"), Err(BadValue::TooShort));
        assert_eq!(
            check(&String::from_utf8(alloc::vec![b'x'; 17]).unwrap()),
            Err(BadValue::TooLong(16))
        );
        for value in
            ["12345678\n", "1234\r\n5678", "1234\u{0}5678", "1234\t5678", "grün1234", " 12345678"]
        {
            assert_eq!(check(value), Err(BadValue::Text), "{value:?}");
        }
    }

    #[test]
    fn a_secret_is_for_the_hosts_that_it_names_and_no_others() {
        let mut record = SecretRecord::new("a".parse().unwrap());
        let is_for = |record: &SecretRecord, request: &str| {
            record.is_for(&HttpRule::parse(request).unwrap())
        };
        assert!(!is_for(&record, "GET@https://api.example.com:443/v1"), "for none by default");
        record.hosts = ["api.example.com", "*.example.org"].map(String::from).into();
        for (request, expected) in [
            ("GET@https://api.example.com:443/v1", true),
            ("POST@https://a.b.example.org:443/", true),
            ("GET@https://example.org:443/", false),
            ("GET@http://api.example.com:80/", false),
            ("GET@https://api.example.com:8443/", false),
            ("GET@https://api.example.com.evil.net:443/", false),
            ("GET@https://evilexample.org:443/", false),
        ] {
            assert_eq!(is_for(&record, request), expected, "{request}");
        }
    }
}
