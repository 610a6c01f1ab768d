use serde::Serialize;
use serde_json::{Map, Value};

use crate::bounds::escaped;

/// The most changes that are reported.
const MAX_CHANGES: usize = 200;
/// The most characters that are shown of a value.
const MAX_SHOWN: usize = 100;

/// A difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// A JSON Pointer into the schema.
    pub pointer: String,
    pub what: String,
    pub effect: Effect,
}

/// The effect of a change on payloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Some payloads that matched may no longer match, and no other payload matches now.
    Stricter,
    Looser,
    /// The change may be stricter, looser or neither. There is no simple answer.
    Changed,
    /// The change matters only to readers of the schema.
    None,
}
use Effect::{Changed, Looser, Stricter};

/// The differences between `old` and `new` in both directions, member by member.
pub fn changes(old: &Value, new: &Value) -> Vec<Change> {
    let mut report = Report { changes: Vec::new(), pointer: String::new(), is_plain: true };
    report.schema(old, new);
    report.changes.truncate(MAX_CHANGES);
    report.changes
}

struct Report {
    changes: Vec<Change>,
    pointer: String,
    /// True if a stricter part makes the whole stricter. This is not so below `not`, `if` and `oneOf`.
    is_plain: bool,
}

impl Report {
    fn schema(&mut self, old: &Value, new: &Value) {
        match (old, new) {
            _ if old == new => {}
            (Value::Object(old), Value::Object(new)) => self.keywords(old, new),
            (_, Value::Bool(false)) => self.tell("nothing is allowed here any more", Stricter),
            (Value::Bool(false), _) => self.tell("something is allowed here now", Looser),
            (_, Value::Bool(true)) => self.tell("anything is allowed here now", Looser),
            (Value::Bool(true), _) => self.tell("not anything is allowed here any more", Stricter),
            _ => self.tell("changed", Changed),
        }
    }

    fn keywords(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        for (name, was) in old {
            match new.get(name) {
                Some(is) if is == was => {}
                is => self.below(&escaped(name), |report| report.keyword(name, Some(was), is, old, new)),
            }
        }
        for (name, is) in new.iter().filter(|(name, _)| !old.contains_key(*name)) {
            self.below(&escaped(name), |report| report.keyword(name, None, Some(is), old, new));
        }
    }

    fn keyword(
        &mut self,
        name: &str,
        was: Option<&Value>,
        is: Option<&Value>,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) {
        match name {
            "title" | "description" | "default" | "examples" | "$comment" | "deprecated" | "readOnly"
            | "writeOnly" | "$id" | "$schema" | "contentEncoding" | "contentMediaType" | "contentSchema" => {
                self.value(was, is, Effect::None, Effect::None, |_, _| Effect::None);
            }
            "properties" | "patternProperties" | "dependentSchemas" | "$defs" | "definitions" => {
                let closed = |schema: &Map<String, Value>| {
                    name != "$defs"
                        && schema.get("additionalProperties").or_else(|| schema.get("unevaluatedProperties"))
                            == Some(&Value::Bool(false))
                };
                self.schemas(name, was, is, closed(old), closed(new));
            }
            "required" => self.names(was, is, "required", Stricter, Looser),
            "enum" => self.names(was, is, "a value", Looser, Stricter),
            "type" => self.value(was, is, Stricter, Looser, of_types),
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" | "maxContains" => {
                self.value(was, is, Stricter, Looser, |was, is| of_limits(is, was));
            }
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
                self.value(was, is, Stricter, Looser, of_limits);
            }
            "uniqueItems" => {
                let effect = if is == Some(&Value::Bool(true)) { Stricter } else { Looser };
                self.value(was, is, effect, effect, move |_, _| effect);
            }
            "const" | "pattern" | "format" | "multipleOf" => {
                self.value(was, is, Stricter, Looser, |_, _| Changed);
            }
            "additionalProperties"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "items"
            | "propertyNames"
            | "contains" => self.one_schema(was, is),
            "not" | "if" => self.unplain(|report| report.value(was, is, Changed, Changed, |_, _| Changed)),
            "allOf" => self.list(was, is, Stricter, Looser),
            "anyOf" => self.list(was, is, Looser, Stricter),
            "oneOf" => self.unplain(|report| report.list(was, is, Changed, Changed)),
            "prefixItems" => self.list(was, is, Changed, Changed),
            _ => self.value(was, is, Changed, Changed, |_, _| Changed),
        }
    }

    fn value(
        &mut self,
        was: Option<&Value>,
        is: Option<&Value>,
        added: Effect,
        removed: Effect,
        effect: impl FnOnce(&Value, &Value) -> Effect,
    ) {
        match (was, is) {
            (None, Some(is)) => self.tell(&format!("added: {}", shown(is)), added),
            (Some(was), None) => self.tell(&format!("removed: {}", shown(was)), removed),
            (Some(was), Some(is)) => {
                self.tell(&format!("from {} to {}", shown(was), shown(is)), effect(was, is));
            }
            (None, None) => {}
        }
    }

    fn one_schema(&mut self, was: Option<&Value>, is: Option<&Value>) {
        // A missing schema allows anything.
        let anything = Value::Bool(true);
        self.schema(was.unwrap_or(&anything), is.unwrap_or(&anything));
    }

    fn schemas(
        &mut self,
        keyword: &str,
        was: Option<&Value>,
        is: Option<&Value>,
        was_closed: bool,
        is_closed: bool,
    ) {
        let empty = Map::new();
        let map = |value: Option<&'_ Value>| {
            value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone())
        };
        let (was, is) = (map(was), map(is));
        let is_unused = matches!(keyword, "$defs" | "definitions");
        let told = if keyword == "properties" { "property" } else { "schema" };
        for (name, schema) in &was {
            self.below(&escaped(name), |report| match is.get(name) {
                Some(is) => report.schema(schema, is),
                None if is_unused => report.tell("schema removed", Effect::None),
                None if is_closed => report.tell(&format!("{told} removed"), Stricter),
                None => report.tell(&format!("{told} removed"), Looser),
            });
        }
        for name in is.keys().filter(|name| !was.contains_key(*name)) {
            self.below(&escaped(name), |report| {
                let effect = match () {
                    () if is_unused => Effect::None,
                    () if was_closed => Looser,
                    () => Stricter,
                };
                report.tell(&format!("{told} added"), effect);
            });
        }
    }

    /// Compares two lists whose order has no meaning.
    fn names(&mut self, was: Option<&Value>, is: Option<&Value>, what: &str, more: Effect, fewer: Effect) {
        let (Some(was), Some(is)) = (elements(was, what == "required"), elements(is, what == "required"))
        else {
            return self.value(was, is, Stricter, Looser, |_, _| Changed);
        };
        for added in is.iter().filter(|value| !was.contains(value)) {
            self.tell(&format!("{what} added: {}", shown(added)), more);
        }
        for removed in was.iter().filter(|value| !is.contains(value)) {
            self.tell(&format!("{what} removed: {}", shown(removed)), fewer);
        }
    }

    fn list(&mut self, was: Option<&Value>, is: Option<&Value>, more: Effect, fewer: Effect) {
        let (Some(Value::Array(was)), Some(Value::Array(is))) = (was, is) else {
            // Without the whole keyword, anything is allowed.
            return self.value(was, is, Stricter, Looser, |_, _| Changed);
        };
        for (at, (was, is)) in was.iter().zip(is).enumerate() {
            self.below(&at.to_string(), |report| report.schema(was, is));
        }
        for at in was.len()..is.len() {
            self.below(&at.to_string(), |report| report.tell("schema added", more));
        }
        for at in is.len()..was.len() {
            self.below(&at.to_string(), |report| report.tell("schema removed", fewer));
        }
    }

    fn below(&mut self, step: &str, work: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(step);
        work(self);
        self.pointer.truncate(length);
    }

    fn unplain(&mut self, work: impl FnOnce(&mut Self)) {
        let was_plain = std::mem::replace(&mut self.is_plain, false);
        work(self);
        self.is_plain = was_plain;
    }

    fn tell(&mut self, what: &str, effect: Effect) {
        let effect = if self.is_plain || effect == Effect::None { effect } else { Changed };
        self.changes.push(Change { pointer: self.pointer.clone(), what: what.to_owned(), effect });
    }
}

/// A missing `required` is the same as an empty one. A missing `enum` is not.
fn elements(list: Option<&Value>, none_is_empty: bool) -> Option<&[Value]> {
    match list {
        Some(Value::Array(elements)) => Some(elements),
        None if none_is_empty => Some(&[]),
        _ => None,
    }
}

fn of_types(was: &Value, is: &Value) -> Effect {
    let (was, is) = (names_of(was), names_of(is));
    let within = |some: &[&str], all: &[&str]| {
        some.iter().all(|name| all.contains(name) || (*name == "integer" && all.contains(&"number")))
    };
    match (within(&is, &was), within(&was, &is)) {
        (true, true) => Effect::None,
        (true, false) => Stricter,
        (false, true) => Looser,
        (false, false) => Changed,
    }
}

fn names_of(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    }
}

/// The effect of a change of a lower limit.
fn of_limits(was: &Value, is: &Value) -> Effect {
    match (was.as_f64(), is.as_f64()) {
        (Some(was), Some(is)) if is > was => Stricter,
        (Some(was), Some(is)) if is < was => Looser,
        _ => Changed,
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
