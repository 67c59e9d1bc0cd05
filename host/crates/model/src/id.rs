//! Ids as newtypes with a written prefix, and the counters of the store.
//!
//! Ids of things that a replay must find again are hashes ([`IdHasher`]), never random.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// Text that is no id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no id of the form {prefix}_<32 hexadecimal digits>")]
pub struct ParseIdError {
    prefix: &'static str,
    text: String,
}

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the written form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// The id with these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes, which sort as the ids do.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(read_hex)
                    .map(Self)
                    .ok_or_else(|| ParseIdError { prefix: $prefix, text: text.to_string() })
            }
        }

        text_serde!($name, concat!("^", $prefix, "_[0-9a-f]{32}$"));
    )*};
}

macro_rules! text_serde {
    ($name:ident) => {
        crate::id::text_serde!($name, "");
    };
    ($name:ident, $pattern:expr) => {
        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let pattern = Some($pattern).filter(|pattern: &&str| !pattern.is_empty());
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(pattern)
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {
            fn name() -> alloc::borrow::Cow<'static, str> {
                alloc::borrow::Cow::Borrowed(stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = alloc::borrow::Cow::<'de, str>::deserialize(input)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_serde;

id! {
    /// One execution of a workflow. Its first six bytes are its start in milliseconds, so that
    /// ids sort by age.
    RunId = "run";
    /// One task of one super-step: the same over attempts, reruns and restarts.
    TaskId = "task";
    /// One question to a person.
    QuestionId = "ask";
    /// A conversation or case that several runs belong to.
    ThreadId = "thread";
    /// One thing that one webhook is told.
    DeliveryId = "dlv";
    /// An inbound webhook, as its URLs call it.
    InboundId = "hook";
}

/// The SHA-256 of some bytes, written `sha256:<64 hexadecimal digits>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The 64 hexadecimal digits alone, as file names use them.
    #[must_use]
    pub fn hex(&self) -> String {
        self.to_string().split_off("sha256:".len())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        text.strip_prefix("sha256:")
            .and_then(read_hex)
            .map(Self)
            .ok_or_else(|| ParseDigestError { text: text.to_string() })
    }
}

text_serde!(Digest, "^sha256:[0-9a-f]{64}$");

/// Text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no digest of the form sha256:<64 hexadecimal digits>")]
pub struct ParseDigestError {
    text: String,
}

macro_rules! counter {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    )*};
}

counter! {
    /// How many events a run's log holds. The first event has the sequence 1; 0 is a run that
    /// does not exist yet.
    Seq;
    /// Who owns a run: grows with each change of owner. Constant while one process has the store.
    Epoch;
    /// How often a document was changed; 0 where it does not exist.
    Version;
}

/// Room for the fields of an id of a task.
const FIELDS_BYTES: usize = 256;

/// Makes ids from length-prefixed fields under a domain tag (BLAKE3, its first 16 bytes), so that
/// two different lists of fields never give the same bytes to hash.
///
/// The fields are gathered first: the state of the hash is two kilobytes, and handing it on from
/// field to field would cost more than the hash.
#[derive(Debug)]
pub struct IdHasher(Vec<u8>);

impl IdHasher {
    /// Starts an id of that domain, such as `wforge.task.v1`.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self(Vec::with_capacity(FIELDS_BYTES)).field(domain.as_bytes())
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, bytes: &[u8]) -> Self {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.field(&number.to_le_bytes())
    }

    /// The first 16 bytes of the hash.
    #[must_use]
    pub fn finish(self) -> [u8; 16] {
        let wide = self.finish_wide();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(wide).for_each(|(byte, hashed)| *byte = hashed);
        bytes
    }

    /// All 32 bytes of the hash.
    #[must_use]
    pub fn finish_wide(self) -> [u8; 32] {
        *blake3::hash(&self.0).as_bytes()
    }
}

/// Writes at most 32 bytes.
fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    // Ids are written with every event, and the formatter of numbers is slow for that.
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
    let text = text.get(..2 * bytes.len()).unwrap_or_default();
    f.write_str(core::str::from_utf8(text).unwrap_or_default())
}

/// Reads exactly `2 N` lower-case hexadecimal digits.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
