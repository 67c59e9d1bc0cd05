//! Reads a value as its type does, and notes on the way which variants and fields the types know
//! and which of them the value has.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess};
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::{Error, Value};

/// `Type.field`, `Type.variant` and `Type.variant.field`, as serde calls them.
#[derive(Debug, Default)]
pub(super) struct Parts {
    known: RefCell<BTreeSet<String>>,
    met: RefCell<BTreeSet<String>>,
}

impl Parts {
    pub(super) fn read<T: DeserializeOwned>(&self, value: Value) -> T {
        T::deserialize(Traced { parts: self, value }).unwrap()
    }

    /// What types know and no value had.
    pub(super) fn never_met(&self) -> Vec<String> {
        self.known.borrow().difference(&self.met.borrow()).cloned().collect()
    }

    /// What a value had and its type passes over.
    pub(super) fn passed_over(&self) -> Vec<String> {
        self.met.borrow().difference(&self.known.borrow()).cloned().collect()
    }

    fn note(&self, of: &str, known: &[&str], met: &[&String]) {
        self.known.borrow_mut().extend(known.iter().map(|part| format!("{of}.{part}")));
        self.met.borrow_mut().extend(met.iter().map(|part| format!("{of}.{part}")));
    }
}

struct Traced<'a> {
    parts: &'a Parts,
    value: Value,
}

impl Traced<'_> {
    fn note_fields(&self, of: &str, known: &[&str]) {
        let fields = self.value.as_object().into_iter().flatten();
        self.parts.note(of, known, &fields.map(|(name, _)| name).collect::<Vec<_>>());
    }
}

impl<'de> IntoDeserializer<'de, Error> for Traced<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Traced<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let parts = self.parts;
        match self.value {
            Value::Array(items) => {
                let items = items.into_iter().map(|value| Traced { parts, value });
                visitor.visit_seq(SeqDeserializer::new(items))
            }
            Value::Object(fields) => {
                let fields =
                    fields.into_iter().map(|(name, value)| (name, Traced { parts, value }));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            leaf => leaf.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.note_fields(name, fields);
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (tag, value) = match self.value {
            Value::String(tag) => (tag, Value::Null),
            Value::Object(fields) => {
                fields.into_iter().next().ok_or_else(|| Error::custom("a variant has a name"))?
            }
            other => return Err(Error::custom(format!("{other} is no variant of {name}"))),
        };
        self.parts.note(name, variants, &[&tag]);
        visitor.visit_enum(Variant { name, tag, content: Traced { parts: self.parts, value } })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct Variant<'a> {
    name: &'static str,
    tag: String,
    content: Traced<'a>,
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let tag: serde::de::value::StringDeserializer<Error> = self.tag.clone().into_deserializer();
        Ok((seed.deserialize(tag)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.content)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.content.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.content.note_fields(&format!("{}.{}", self.name, self.tag), fields);
        self.content.deserialize_any(visitor)
    }
}
