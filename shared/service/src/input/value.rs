use std::collections::HashSet;

use serde::Deserializer;
use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::value::RawValue;

use super::invalid::Invalid;

/// The most members of an object, because each of them is held with its name.
pub(super) const MAX_MEMBERS: usize = 1000;

/// The name by which `serde_json` asks for the text of a value.
const RAW: &str = "$serde_json::private::RawValue";

/// A value of a body that is known to be JSON. A struct is read only from an object: the derived code would also accept
/// an array, with the members in order.
pub(super) struct Value<'de>(pub(super) &'de RawValue);

impl<'de> Value<'de> {
    fn kind(&self) -> Unexpected<'de> {
        match self.0.get().as_bytes().first() {
            Some(b'{') => Unexpected::Map,
            Some(b'[') => Unexpected::Seq,
            Some(b'"') => Unexpected::Str(""),
            Some(b't') => Unexpected::Bool(true),
            Some(b'f') => Unexpected::Bool(false),
            Some(b'n') => Unexpected::Unit,
            _ => Unexpected::Other("a number"),
        }
    }

    fn number<V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Invalid> {
        let text = self.0.get();
        if let Ok(number) = text.parse::<u64>() {
            return visitor.visit_u64(number);
        }
        if let Ok(number) = text.parse::<i64>() {
            return visitor.visit_i64(number);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        visitor.visit_f64(number.ok_or_else(|| Invalid::new("must be a number that a double can hold"))?)
    }

    fn string(&self) -> Result<String, Invalid> {
        string(self.0)
    }
}

/// JSON's grammar also allows text that a string cannot hold.
fn string(raw: &RawValue) -> Result<String, Invalid> {
    let invalid = |_| Invalid::new("must not contain half of a surrogate pair");
    serde_json::from_str(raw.get()).map_err(invalid)
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Invalid;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.kind() {
            Unexpected::Map => visitor.visit_map(Members::of(self.0)),
            Unexpected::Seq => visitor.visit_seq(Items::of(self.0)),
            Unexpected::Str(_) => visitor.visit_string(self.string()?),
            Unexpected::Bool(value) => visitor.visit_bool(value),
            Unexpected::Unit => visitor.visit_unit(),
            _ => self.number(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        if matches!(self.kind(), Unexpected::Unit) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.kind() {
            Unexpected::Map => visitor.visit_map(Members::of(self.0)),
            other => Err(Invalid::invalid_type(other, &"an object")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        if name == RAW {
            let mut text = serde_json::Deserializer::from_str(self.0.get());
            return text.deserialize_newtype_struct(name, visitor).map_err(Invalid::custom);
        }
        visitor.visit_newtype_struct(self)
    }

    /// Skips the value without parsing it, because it may be nested deeper than the stack allows.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct enum identifier
    }
}

struct Members<'de> {
    /// The object is read when its first member is requested, because a visitor that wants no object refuses before
    /// that.
    unread: Option<&'de RawValue>,
    members: std::vec::IntoIter<(String, &'de RawValue)>,
    /// The member whose value is requested next.
    current: Option<(String, &'de RawValue)>,
}

impl<'de> Members<'de> {
    fn of(object: &'de RawValue) -> Self {
        Self { unread: Some(object), members: Vec::new().into_iter(), current: None }
    }

    fn read(&mut self, object: &'de RawValue) -> Result<(), Invalid> {
        let Pairs { first, more } = serde_json::from_str(object.get())
            .map_err(|_| Invalid::new("must have names without half of a surrogate pair"))?;
        if more {
            return Err(Invalid::new(format!("must have at most {MAX_MEMBERS} members")));
        }
        let mut names = HashSet::new();
        if let Some((name, _)) = first.iter().find(|(name, _)| !names.insert(name.as_str())) {
            return Err(Invalid::repeated(name));
        }
        self.members = first.into_iter();
        Ok(())
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        if let Some(object) = self.unread.take() {
            self.read(object)?;
        }
        self.current = self.members.next();
        let Some((name, _)) = &self.current else { return Ok(None) };
        let name: StringDeserializer<Invalid> = name.clone().into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Invalid> {
        let (name, raw) = self.current.take().ok_or_else(|| Invalid::new("has a value without a name"))?;
        seed.deserialize(Value(raw)).map_err(|invalid| invalid.within(name))
    }
}

/// The members in their order, including repeated names, and whether there are more than an object may have.
struct Pairs<'de> {
    first: Vec<(String, &'de RawValue)>,
    more: bool,
}

impl<'de> serde::Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut first = Vec::new();
                while first.len() < MAX_MEMBERS {
                    match map.next_entry()? {
                        Some(pair) => first.push(pair),
                        None => return Ok(Pairs { first, more: false }),
                    }
                }
                let mut more = false;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                    more = true;
                }
                Ok(Pairs { first, more })
            }
        }
        deserializer.deserialize_map(All)
    }
}

struct Items<'de> {
    /// The array is read when its first item is requested, because a visitor that wants no array refuses before that.
    unread: Option<&'de RawValue>,
    items: std::iter::Enumerate<std::vec::IntoIter<&'de RawValue>>,
}

impl<'de> Items<'de> {
    fn of(array: &'de RawValue) -> Self {
        Self { unread: Some(array), items: Vec::new().into_iter().enumerate() }
    }
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Invalid;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Invalid> {
        if let Some(array) = self.unread.take() {
            let items: Vec<&RawValue> = serde_json::from_str(array.get()).map_err(Invalid::custom)?;
            self.items = items.into_iter().enumerate();
        }
        let Some((at, raw)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Value(raw)).map(Some).map_err(|invalid| invalid.within(at))
    }
}
