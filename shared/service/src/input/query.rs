use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use percent_encoding::percent_decode_str;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};

use super::invalid::Invalid;
use crate::Problem;

/// The parameters of a query, each a text.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Query<T> {
    pub fn of(uri: &Uri) -> Result<Self, Problem> {
        read(uri.query().unwrap_or_default()).map(Self).map_err(Invalid::of_query)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::of(&parts.uri)
    }
}

fn read<T: DeserializeOwned>(query: &str) -> Result<T, Invalid> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decoded(name).map_err(|invalid| invalid.within(name))?;
        let value = decoded(value).map_err(|invalid| invalid.within(&name))?;
        pairs.push((name, Text(value)));
    }
    T::deserialize(MapDeserializer::new(pairs.into_iter()))
}

fn decoded(text: &str) -> Result<String, Invalid> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(Into::into).map_err(|_| Invalid::new("must be UTF-8, in percent-encoding"))
}

/// The value of a parameter. serde's own deserializer for text does not accept a text for an `Option`.
struct Text(String);

impl<'de> Deserializer<'de> for Text {
    type Error = Invalid;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_some(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Invalid> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
