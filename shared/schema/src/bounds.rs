use std::collections::HashSet;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::compile::{Invalid, MAX_DEPTH};
use crate::pattern::Patterns;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Searches all of a schema for parts that are not accepted here. Data in the schema is skipped, unless a reference
/// leads to it, since the target of a reference is a schema too.
pub(crate) struct Bounds<'a> {
    id: Option<&'a str>,
    patterns: Patterns,
    /// The most patterns that the name of one member is matched with.
    pub(crate) name_patterns: usize,
    /// The JSON Pointers of the references.
    targets: Vec<String>,
    seen: HashSet<(*const Value, Place)>,
}

/// The role of a value, given by its place. Below an unknown keyword, everything that looks like a keyword is treated
/// as one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Place {
    Schema,
    /// The members have names of the author's own choice, and are schemas.
    Named,
    Data,
}

impl Place {
    fn of_member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Data, _) | (Self::Schema, "const" | "default" | "enum" | "examples") => Self::Data,
            (
                Self::Schema,
                "$defs" | "definitions" | "dependencies" | "dependentSchemas" | "patternProperties"
                | "properties",
            ) => Self::Named,
            _ => Self::Schema,
        }
    }

    fn of_element(self) -> Self {
        if self == Self::Data { self } else { Self::Schema }
    }
}

impl<'a> Bounds<'a> {
    pub(crate) fn check(schema: &'a Value, patterns: Patterns) -> Result<Self, Invalid> {
        let id = schema.get("$id").and_then(Value::as_str);
        let mut bounds = Self { id, patterns, name_patterns: 0, targets: Vec::new(), seen: HashSet::new() };
        bounds.visit(schema, &mut String::new(), 1, Place::Schema)?;
        while let Some(target) = bounds.targets.pop() {
            if let Some(Target { value, mut pointer, depth }) = Target::of(schema, &target) {
                bounds.visit(value, &mut pointer, depth, Place::Schema)?;
            }
        }
        Ok(bounds)
    }

    fn visit(
        &mut self,
        value: &Value,
        pointer: &mut String,
        depth: usize,
        place: Place,
    ) -> Result<(), Invalid> {
        if depth > MAX_DEPTH {
            return Err(Invalid::at(pointer, format!("is nested more than {MAX_DEPTH} levels deep")));
        }
        if !self.seen.insert((std::ptr::from_ref(value), place)) {
            return Ok(());
        }
        match value {
            Value::Object(members) => {
                if place == Place::Schema {
                    self.keywords(members, pointer, depth)?;
                }
                let named = members.iter().map(|(name, value)| (escaped(name), value, place.of_member(name)));
                self.children(named, pointer, depth)
            }
            Value::Array(elements) => {
                let numbered = elements
                    .iter()
                    .enumerate()
                    .map(|(at, value)| (at.to_string(), value, place.of_element()));
                self.children(numbered, pointer, depth)
            }
            _ => Ok(()),
        }
    }

    fn children<'v>(
        &mut self,
        children: impl Iterator<Item = (String, &'v Value, Place)>,
        pointer: &mut String,
        depth: usize,
    ) -> Result<(), Invalid> {
        let length = pointer.len();
        for (step, child, place) in children {
            pointer.push('/');
            pointer.push_str(&step);
            self.visit(child, pointer, depth + 1, place)?;
            pointer.truncate(length);
        }
        Ok(())
    }

    fn keywords(&mut self, members: &Map<String, Value>, at: &str, depth: usize) -> Result<(), Invalid> {
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let invalid = |name: &str, why: &str| Err(Invalid::at(&format!("{at}/{name}"), why));
        if text("$schema").is_some_and(|draft| draft.trim_end_matches('#') != DRAFT) {
            return invalid("$schema", &format!("must be {DRAFT}, or not be there"));
        }
        if depth > 1 && text("$id").is_some() {
            return invalid("$id", "is taken at the root alone");
        }
        for name in ["$ref", "$dynamicRef"] {
            let Some(target) = text(name) else { continue };
            let Some(fragment) = self.fragment(target) else {
                return invalid(
                    name,
                    "must lead to a place in this schema, such as #/$defs/name: nothing is fetched",
                );
            };
            if fragment.starts_with('/') {
                self.targets.extend(percent_decode_str(fragment).decode_utf8().map(Into::into));
            }
        }
        if let Some(pattern) = text("pattern") {
            self.patterns.add(pattern, &format!("{at}/pattern"))?;
        }
        if let Some(Value::Object(patterns)) = members.get("patternProperties") {
            for pattern in patterns.keys() {
                self.patterns.add(pattern, &format!("{at}/patternProperties/{}", escaped(pattern)))?;
                self.name_patterns += 1;
            }
        }
        Ok(())
    }

    /// The fragment of a reference that leads to a place in this schema.
    fn fragment<'t>(&self, target: &'t str) -> Option<&'t str> {
        let own = self.id.and_then(|id| target.strip_prefix(id.trim_end_matches('#')));
        [Some(target), own].into_iter().flatten().find_map(|target| target.strip_prefix('#'))
    }
}

/// The target of a reference.
struct Target<'v> {
    value: &'v Value,
    pointer: String,
    depth: usize,
}

impl<'v> Target<'v> {
    /// The steps are read as leniently as in the validator.
    fn of(schema: &'v Value, pointer: &str) -> Option<Self> {
        let root = Self { value: schema, pointer: String::new(), depth: 1 };
        pointer.split('/').skip(1).try_fold(root, |Self { value, pointer, depth }, step| {
            let (value, step) = match value {
                Value::Array(elements) => {
                    let at = step.parse::<usize>().ok()?;
                    (elements.get(at)?, at.to_string())
                }
                other => {
                    let name = step.replace("~1", "/").replace("~0", "~");
                    (other.get(&name)?, escaped(&name))
                }
            };
            Some(Self { value, pointer: format!("{pointer}/{step}"), depth: depth + 1 })
        })
    }
}

/// A member's name as a step of a JSON Pointer (RFC 6901).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
