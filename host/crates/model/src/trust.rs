//! Whom a tenant trusts to sign plugins, what it asks of versions, and who signed what, as it is
//! kept. How a signature is checked is the engine's.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use semver::Version;
use serde::{Deserialize, Serialize};

use crate::{Digest, PluginName, Timestamp};

/// The longest name of a key, in bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// The longest note and the longest reason, in bytes.
pub const NOTE_BYTES_MAX: usize = 1_024;

/// The id of a minisign key: sixteen hexadecimal digits, as the program shows them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

/// Text that is no id of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key's id has 16 hexadecimal digits")]
pub struct ParseKeyIdError;

impl KeyId {
    /// From the eight bytes of a key or of a signature.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }
}

impl FromStr for KeyId {
    type Err = ParseKeyIdError;

    fn from_str(text: &str) -> Result<Self, ParseKeyIdError> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ParseKeyIdError);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ParseKeyIdError)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

crate::id::text_serde!(KeyId, "^[0-9A-Fa-f]{16}$");

/// What a key is called: letters, digits, `.`, `-` and `_`, a letter or digit first. None can be
/// read as the id of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(String);

/// Text that is no name of a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key's name has 1 to {NAME_BYTES_MAX} letters, digits, dots, - and _, begins with a letter \
     or digit, and is no key's id"
)]
pub struct ParseKeyNameError;

impl KeyName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyName {
    type Err = ParseKeyNameError;

    fn from_str(text: &str) -> Result<Self, ParseKeyNameError> {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let fits = begins && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_inner);
        if fits && text.parse::<KeyId>().is_err() {
            return Ok(Self(text.to_string()));
        }
        Err(ParseKeyNameError)
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

crate::id::text_serde!(KeyName, "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$");

/// Whether what a key signs is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// It is.
    Trusted,
    /// It is not any more, and what it had signed is not called any more.
    Revoked,
}

/// A key of a tenant's trust store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrustedKey {
    /// Its id, which stands in its signatures.
    pub key: KeyId,
    /// What the tenant calls it.
    pub name: KeyName,
    /// The public key, as the second line of minisign's file has it.
    pub public: String,
    /// Whether it is trusted.
    pub state: KeyState,
    /// Whose it is, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// Who added it.
    pub added_by: String,
    /// When.
    pub added_at: Timestamp,
    /// Who revoked or restored it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a tenant asks of plugins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct TrustPolicy {
    /// Whether only signed versions are let in and serve new runs.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub require_signed: bool,
    /// Whether a signed version may be installed that is older than one that was signed before.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub allow_rollback: bool,
    /// The lowest version of a plugin that is let in and serves new runs.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, String>, required))]
    pub minimum: BTreeMap<PluginName, Version>,
}

/// Who signed a version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Signer {
    /// The key.
    pub key: KeyId,
    /// What the trust store called it when the signature was checked.
    pub name: KeyName,
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.key, self.name)
    }
}

/// The signature of a component that was let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedComponent {
    /// The component.
    pub component: Digest,
    /// The plugin, as its manifest says.
    pub plugin: PluginName,
    /// Its version.
    pub version: Version,
    /// Who signed it.
    pub signer: Signer,
    /// The signature, as minisign's file has it.
    pub signature: String,
    /// When it was checked.
    pub at: Timestamp,
    /// Who brought it.
    pub by: String,
}

/// Why a version does not serve new runs, or is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Distrust {
    /// `unsigned`, `unknown_signer`, `bad_signature`, `revoked_key` or `below_minimum`.
    pub code: DistrustCode,
    /// What and how to mend it.
    pub message: String,
}

impl Distrust {
    /// With its words.
    #[must_use]
    pub fn new(code: DistrustCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// That a version is lower than the tenant, or the platform, wants it.
    #[must_use]
    pub fn below_minimum(plugin: &PluginName, version: &Version, minimum: &Version) -> Self {
        let message = format!(
            "{plugin}@{version} is below the minimum version {minimum} of the trust policy: install \
             a newer one, or lower it with wforge trust policy --minimum {plugin}={version}"
        );
        Self::new(DistrustCode::BelowMinimum, message)
    }
}

/// The kinds of [`Distrust`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DistrustCode {
    /// There is no signature, and there must be one.
    Unsigned,
    /// It was made with a key that the trust store does not have.
    UnknownSigner,
    /// It is none, or is not of these bytes.
    BadSignature,
    /// Its key was revoked.
    RevokedKey,
    /// The version is lower than it may be.
    BelowMinimum,
}

impl DistrustCode {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Unsigned,
        Self::UnknownSigner,
        Self::BadSignature,
        Self::RevokedKey,
        Self::BelowMinimum,
    ];

    /// As errors name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::UnknownSigner => "unknown_signer",
            Self::BadSignature => "bad_signature",
            Self::RevokedKey => "revoked_key",
            Self::BelowMinimum => "below_minimum",
        }
    }
}

/// What a tenant may keep in its trust store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustLimits {
    /// Keys that are trusted.
    pub keys_max: usize,
    /// Plugins with a minimum version.
    pub minimums_max: usize,
    /// Bytes of one signature file.
    pub signature_bytes_max: usize,
}

impl Default for TrustLimits {
    fn default() -> Self {
        Self { keys_max: 100, minimums_max: 1_000, signature_bytes_max: 4 << 10 }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{DistrustCode, KeyId, KeyName, NAME_BYTES_MAX};

    #[test]
    fn an_id_reads_as_the_program_shows_it() {
        // The key of minisign's own manual.
        let id = KeyId::from_bytes([0x1f, 0xe8, 0xb4, 0x42, 0x18, 0x0f, 0x62, 0xe7]);
        assert_eq!(id.to_string(), "E7620F1842B4E81F");
        assert_eq!("e7620f1842b4e81f".parse(), Ok(id));
        for text in
            ["", "E7620F1842B4E81", "E7620F1842B4E81F0", "+7620F1842B4E81F", "E7620F1842B4E81G"]
        {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_name_is_never_taken_for_an_id() {
        let fits = |text: &str| text.parse::<KeyName>().is_ok();
        assert!(fits("acme-2026") && fits("a.b_c") && fits(&"a".repeat(NAME_BYTES_MAX)));
        assert!(!fits("E7620F1842B4E81F") && !fits("0123456789abcdef"));
        for text in ["", "-a", "a b", "a/b", "é", &"a".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in DistrustCode::ALL {
            let written = serde_json::to_value(code).unwrap();
            assert_eq!(written, code.as_str());
        }
    }
}
