//! How one value of a key is read from a layer and written in an example.
//!
//! A file gives typed values, a variable or a flag gives text; both read the same.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::value::Value;
use serde_json::json;
use wforge_model::mock::MockMode;

/// A type that a key can have.
pub(crate) trait Setting: Sized {
    /// What a value looks like, for messages and the reference.
    const EXPECTED: &'static str;
    /// Whether no value is ever shown.
    const IS_SECRET: bool = false;

    /// Reads what a variable, a flag or a string of a file says.
    fn from_text(text: &str) -> Option<Self>;

    /// Reads a value of a layer; relative paths are relative to `base`.
    fn from_value(value: &Value, _base: &Path) -> Option<Self> {
        Self::from_text(value.as_str()?)
    }

    /// As TOML writes it.
    fn to_toml(&self) -> String;

    /// What JSON Schema says of a value in a file.
    fn schema() -> serde_json::Value;
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_text(text: &str) -> Option<Self> {
        match text {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    fn from_value(value: &Value, _base: &Path) -> Option<Self> {
        value.to_bool().or_else(|| Self::from_text(value.as_str()?))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "boolean" })
    }

    fn to_toml(&self) -> String {
        self.to_string()
    }
}

/// A share of a whole: 1 is all of it.
impl Setting for Share {
    const EXPECTED: &'static str = "a number from 0 to 1";

    fn from_text(text: &str) -> Option<Self> {
        Self::of(text.parse().ok()?)
    }

    fn from_value(value: &Value, _base: &Path) -> Option<Self> {
        // A file may say 1 for 1.0.
        let whole = value.to_i128().or_else(|| value.to_u128()?.try_into().ok());
        let whole = || whole.and_then(|whole| u8::try_from(whole).ok()).map(f64::from);
        value.to_f64().or_else(whole).map_or_else(|| Self::from_text(value.as_str()?), Self::of)
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "number", "minimum": 0, "maximum": 1 })
    }

    fn to_toml(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Share(pub(crate) f64);

impl Share {
    fn of(number: f64) -> Option<Self> {
        (0.0..=1.0).contains(&number).then_some(Self(number))
    }
}

macro_rules! whole_number {
    ($($int:ty: $expected:literal),*) => {$(
        impl Setting for $int {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                text.replace('_', "").parse().ok()
            }

            fn from_value(value: &Value, _base: &Path) -> Option<Self> {
                match value.to_i128() {
                    Some(number) => Self::try_from(number).ok(),
                    None => Self::from_text(value.as_str()?),
                }
            }

            fn to_toml(&self) -> String {
                grouped(&self.to_string())
            }

            fn schema() -> serde_json::Value {
                json!({ "type": "integer", "minimum": 0, "maximum": <$int>::MAX })
            }
        }
    )*};
}
whole_number!(u32: "a whole number up to 4_294_967_295", u64: "a whole number");

/// `16777216` as `16_777_216`.
fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

impl Setting for String {
    const EXPECTED: &'static str = "text";

    fn from_text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }

    fn to_toml(&self) -> String {
        quoted(self)
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn from_text(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self::from(text))
    }

    fn from_value(value: &Value, base: &Path) -> Option<Self> {
        Self::from_text(value.as_str()?).map(|path| base.join(path))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string", "minLength": 1 })
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// A list of paths; a variable separates them by colons, as PATH does.
impl Setting for Vec<PathBuf> {
    const EXPECTED: &'static str = "a list of paths";

    fn from_text(text: &str) -> Option<Self> {
        text.split(':').filter(|part| !part.is_empty()).map(PathBuf::from_text).collect()
    }

    fn from_value(value: &Value, base: &Path) -> Option<Self> {
        match value.as_array() {
            Some(items) => items.iter().map(|item| PathBuf::from_value(item, base)).collect(),
            None => {
                let paths = Self::from_text(value.as_str()?)?;
                Some(paths.into_iter().map(|path| base.join(path)).collect())
            }
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
    }

    fn to_toml(&self) -> String {
        let items: Vec<String> = self.iter().map(Setting::to_toml).collect();
        format!("[{}]", items.join(", "))
    }
}

/// A list of texts; a variable separates them by commas.
impl Setting for Vec<String> {
    const EXPECTED: &'static str = "a list of texts";

    fn from_text(text: &str) -> Option<Self> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Some(parts.map(ToOwned::to_owned).collect())
    }

    fn from_value(value: &Value, _base: &Path) -> Option<Self> {
        match value.as_array() {
            Some(items) => items.iter().map(|item| Some(item.as_str()?.to_owned())).collect(),
            None => Self::from_text(value.as_str()?),
        }
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "array", "items": { "type": "string" } })
    }

    fn to_toml(&self) -> String {
        let items: Self = self.iter().map(Setting::to_toml).collect();
        format!("[{}]", items.join(", "))
    }
}

impl Setting for SocketAddr {
    const EXPECTED: &'static str = "an address with a port, such as 127.0.0.1:7420";

    fn from_text(text: &str) -> Option<Self> {
        text.replace("localhost:", "127.0.0.1:").parse().ok()
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }

    fn to_toml(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A value that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl Setting for Secret {
    const EXPECTED: &'static str = "text";
    const IS_SECRET: bool = true;

    fn from_text(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }

    fn schema() -> serde_json::Value {
        json!({ "type": "string" })
    }

    fn to_toml(&self) -> String {
        quoted("***")
    }
}

macro_rules! one_of {
    ($name:ident: $expected:literal, $($variant:ident = $text:literal),*) => {
        impl Setting for $name {
            const EXPECTED: &'static str = $expected;

            fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)*
                    _ => None,
                }
            }

            fn to_toml(&self) -> String {
                quoted(match self { $(Self::$variant => $text),* })
            }

            fn schema() -> serde_json::Value {
                json!({ "enum": [$($text),*] })
            }
        }
    };
}

/// What kind of place the host runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    Development,
    Testing,
    Production,
}
impl Environment {
    /// As it is written.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Testing => "testing",
            Self::Production => "production",
        }
    }
}
one_of!(Environment: "development, testing or production",
    Development = "development", Testing = "testing", Production = "production");

/// Where runs are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Memory,
    Sled,
}
one_of!(StoreKind: "sled or memory", Memory = "memory", Sled = "sled");

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Pretty,
    Json,
}
one_of!(LogFormat: "pretty or json", Pretty = "pretty", Json = "json");

/// Where log lines go that go to no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogTo {
    Stderr,
    Stdout,
}
one_of!(LogTo: "stderr or stdout", Stderr = "stderr", Stdout = "stdout");

/// Which servers hear of the trace that a request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagate {
    None,
    Models,
    All,
}
one_of!(Propagate: "none, models or all", None = "none", Models = "models", All = "all");

one_of!(MockMode: "off, node, fallback or always",
    Off = "off", Node = "node", Fallback = "fallback", Always = "always");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_groups_and_read_back() {
        for number in [0_u64, 7, 999, 1_000, 134_217_728] {
            assert_eq!(u64::from_text(&number.to_toml()), Some(number));
        }
        assert_eq!(134_217_728_u64.to_toml(), "134_217_728");
    }

    #[test]
    fn text_from_a_variable_and_a_typed_value_of_a_file_read_the_same() {
        let base = Path::new("/base");
        let read = |value: Value| bool::from_value(&value, base);
        assert_eq!(read(Value::from(true)), Some(true));
        assert_eq!(read(Value::from("true")), Some(true));
        assert_eq!(read(Value::from("yes")), None);
        assert_eq!(u32::from_value(&Value::from(-1), base), None);
        let paths = Vec::<PathBuf>::from_value(&Value::from("a:/b"), base);
        assert_eq!(paths, Some(vec![PathBuf::from("/base/a"), PathBuf::from("/b")]));
    }

    #[test]
    fn a_secret_shows_itself_nowhere() {
        let secret = Secret("hunter2".into());
        assert_eq!(format!("{secret:?} {}", secret.to_toml()), "*** \"***\"");
    }
}
