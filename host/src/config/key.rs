//! What one key of the configuration is, and what is made of the table of them: `keys!` takes the
//! rows of `keys.rs` and makes of them the list that the reference is written from, and the raw
//! configuration.

/// What is known of one key.
#[derive(Debug)]
pub(crate) struct Key {
    /// `table.name`.
    pub(crate) name: &'static str,
    /// Its meaning, line by line.
    pub(crate) docs: &'static [&'static str],
    /// What a value looks like.
    pub(crate) expected: &'static str,
    /// Whether its value is never shown.
    pub(crate) is_secret: bool,
    /// What JSON Schema says of one.
    pub(crate) schema: fn() -> serde_json::Value,
    /// The default as TOML; none: unset, or computed as the docs say.
    pub(crate) default: Option<&'static str>,
    /// A variable that is shorter than `WFORGE_<TABLE>__<NAME>`.
    pub(crate) short: Option<&'static str>,
}

impl Key {
    /// The variable that every key has.
    pub(crate) fn variable(&self) -> String {
        format!("WFORGE_{}", self.name.replace('.', "__").to_uppercase())
    }
}

macro_rules! keys {
    (@some) => { None };
    (@some $value:literal) => { Some($value) };
    ($(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty = $name:literal
            $(, default $default:literal)? $(, short $short:literal)?;
    )*) => {
        /// All keys, in the order of the reference.
        pub(crate) const KEYS: &[Key] = &[$(Key {
            name: $name,
            docs: &[$($doc),+],
            expected: <$type as Setting>::EXPECTED,
            is_secret: <$type as Setting>::IS_SECRET,
            schema: <$type as Setting>::schema,
            default: keys!(@some $($default)?),
            short: keys!(@some $($short)?),
        }),*];

        /// The configuration as written: each key may be missing, nothing is compared yet.
        #[derive(Debug, Default)]
        pub(crate) struct RawConfig {
            $($(#[doc = $doc])+ pub(crate) $field: Option<$type>,)*
        }

        impl RawConfig {
            /// Reads every key; what cannot be read is noted in `layers`.
            pub(crate) fn read(layers: &mut Layers) -> Self {
                Self { $($field: layers.read($name),)* }
            }

            /// Each key with its value as TOML.
            pub(crate) fn shown(&self) -> Vec<(&'static str, Option<String>)> {
                vec![$(($name, self.$field.as_ref().map(Setting::to_toml)),)*]
            }
        }
    };
}

pub(super) use keys;
