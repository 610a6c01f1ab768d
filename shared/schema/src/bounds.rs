use serde_json::{Map, Value};

use crate::compile::{Invalid, MAX_DEPTH};
use crate::pattern::Patterns;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Looks at all of a schema for what is not taken here. A reference may lead anywhere in it, so whatever looks like a keyword is
/// held for one.
#[derive(Default)]
pub(crate) struct Bounds<'a> {
    id: Option<&'a str>,
    patterns: Patterns,
    /// How many patterns are held against the name of a member, at most.
    pub(crate) name_patterns: usize,
}

impl<'a> Bounds<'a> {
    pub(crate) fn check(schema: &'a Value) -> Result<Self, Invalid> {
        let mut bounds = Self { id: schema.get("$id").and_then(Value::as_str), ..Self::default() };
        bounds.visit(schema, &mut String::new(), 1)?;
        Ok(bounds)
    }

    fn visit(&mut self, value: &Value, pointer: &mut String, depth: usize) -> Result<(), Invalid> {
        if depth > MAX_DEPTH {
            return Err(Invalid::at(pointer, format!("is nested more than {MAX_DEPTH} levels deep")));
        }
        match value {
            Value::Object(members) => {
                self.keywords(members, pointer, depth)?;
                let named = members.iter().map(|(name, value)| (escaped(name), value));
                self.children(named, pointer, depth)
            }
            Value::Array(elements) => {
                let numbered = elements.iter().enumerate().map(|(at, value)| (at.to_string(), value));
                self.children(numbered, pointer, depth)
            }
            _ => Ok(()),
        }
    }

    fn children<'v>(
        &mut self,
        children: impl Iterator<Item = (String, &'v Value)>,
        pointer: &mut String,
        depth: usize,
    ) -> Result<(), Invalid> {
        let length = pointer.len();
        for (step, child) in children {
            pointer.push('/');
            pointer.push_str(&step);
            self.visit(child, pointer, depth + 1)?;
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
            if text(name).is_some_and(|target| !self.is_local(target)) {
                return invalid(
                    name,
                    "must lead to a place in this schema, such as #/$defs/name: nothing is fetched",
                );
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

    fn is_local(&self, target: &str) -> bool {
        let own = self.id.and_then(|id| target.strip_prefix(id.trim_end_matches('#')));
        [Some(target), own].into_iter().flatten().any(|target| target.starts_with('#'))
    }
}

/// A member's name as a step of a JSON Pointer (RFC 6901).
pub(crate) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
