use std::borrow::Cow;
use std::ops::ControlFlow;

use jsonschema_value::types::JsonType;
use jsonschema_value::{Array, Json, LazyInstance, NodeIdentity, Object};
use serde_json::{Map, Value, map};

use crate::meter::Meter;
use crate::number::Numeric;
use crate::order;

/// The JSON that the validator reads. Every read is paid for, and no error holds a value of the payload.
pub(crate) struct Metered;

#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) meter: &'a Meter,
}

/// The marks that an error carries in place of the value at fault. They say whether the error was made before there
/// were enough errors. From then on containers look shorter than they are, so later errors may be untrue.
static IN_TIME: Value = Value::Bool(true);
static LATE: Value = Value::Bool(false);

pub(crate) fn is_in_time(instance: &Value) -> bool {
    *instance == IN_TIME
}

impl Json for Metered {
    type Node<'a> = Node<'a>;
    type PreparedKey = String;
    type StringBuffer = ();

    const KEYS_PER_LOOKUP: usize = 2;
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    /// Only for names that do not come from a [`Members`]. There are none.
    fn with_string_node<T>((): &mut (), text: &str, work: impl FnOnce(Node<'_>) -> T) -> T {
        Meter::of_one(|meter| work(Node { value: &Value::String(text.to_owned()), meter }))
    }
}

impl<'a> jsonschema_value::Node<'a, Metered> for Node<'a> {
    type Object = Members<'a>;
    type Array = Elements<'a>;
    type Number = Numeric<'a>;

    fn as_object(&self) -> Option<Members<'a>> {
        self.meter.spend(1);
        self.value.as_object().map(|members| Members { members, meter: self.meter })
    }

    fn as_array(&self) -> Option<Elements<'a>> {
        self.meter.spend(1);
        self.value.as_array().map(|elements| Elements { elements, meter: self.meter })
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        let text = self.value.as_str()?;
        self.meter.text(text);
        Some(Cow::Borrowed(text))
    }

    fn as_number(&self) -> Option<Numeric<'a>> {
        self.meter.spend(1);
        self.value.as_number().map(|number| Numeric { number, meter: self.meter })
    }

    fn as_boolean(&self) -> Option<bool> {
        self.meter.spend(1);
        self.value.as_bool()
    }

    fn is_null(&self) -> bool {
        self.meter.spend(1);
        self.value.is_null()
    }

    fn json_type(&self) -> JsonType {
        self.meter.spend(1);
        match self.value {
            Value::Null => JsonType::Null,
            Value::Bool(_) => JsonType::Boolean,
            Value::Number(_) => JsonType::Number,
            Value::String(_) => JsonType::String,
            Value::Array(_) => JsonType::Array,
            Value::Object(_) => JsonType::Object,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        self.meter.spend(1);
        Cow::Borrowed(self.value)
    }

    fn lazy_value(&self) -> LazyInstance<'a> {
        self.meter.spend(1);
        LazyInstance::Ready(Cow::Borrowed(if self.meter.tell() { &IN_TIME } else { &LATE }))
    }

    fn identity(&self) -> Option<NodeIdentity> {
        Some(NodeIdentity::new(std::ptr::from_ref(self.value).addr()))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Members<'a> {
    members: &'a Map<String, Value>,
    meter: &'a Meter,
}

pub(crate) struct MembersIter<'a>(map::Iter<'a>, &'a Meter);

impl<'a> Iterator for MembersIter<'a> {
    type Item = (&'a str, Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let Self(members, meter) = self;
        let (name, value) = members.next().filter(|_| !meter.has_told_enough())?;
        meter.spend(meter.member);
        meter.text(name);
        Some((name.as_str(), Node { value, meter }))
    }
}

impl<'a> Object<'a, Metered> for Members<'a> {
    type Node = Node<'a>;
    type MemberName = &'a str;
    type MembersIter = MembersIter<'a>;

    fn len(&self) -> usize {
        self.members.len()
    }

    fn get(&self, key: &String) -> Option<Node<'a>> {
        self.meter.spend(1);
        self.members.get(key).map(|value| Node { value, meter: self.meter })
    }

    fn members(&self) -> MembersIter<'a> {
        MembersIter(self.members.iter(), self.meter)
    }

    fn try_for_each_name_node<B>(
        &self,
        (): &mut (),
        mut see: impl FnMut(Node<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.members().try_for_each(|(name, _)| {
            let value = Value::String(name.to_owned());
            see(Node { value: &value, meter: self.meter })
        })
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Elements<'a> {
    elements: &'a [Value],
    meter: &'a Meter,
}

pub(crate) struct ElementsIter<'a>(std::slice::Iter<'a, Value>, &'a Meter);

impl<'a> Iterator for ElementsIter<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        let Self(elements, meter) = self;
        let value = elements.next().filter(|_| !meter.has_told_enough())?;
        meter.spend(1);
        Some(Node { value, meter })
    }
}

impl<'a> Array<'a, Metered> for Elements<'a> {
    type Node = Node<'a>;
    type ElementsIter = ElementsIter<'a>;

    fn len(&self) -> usize {
        self.elements.len()
    }

    fn elements(&self) -> ElementsIter<'a> {
        ElementsIter(self.elements.iter(), self.meter)
    }

    /// Compares the sorted elements. The validator's own method uses hashes, and many equal hashes are easy to make.
    fn is_unique(&self) -> bool {
        let mut sorted: Vec<_> = self.elements.iter().collect();
        sorted.sort_unstable_by(|a, b| order::of(a, b, self.meter));
        sorted.windows(2).all(|pair| order::of(pair[0], pair[1], self.meter).is_ne())
    }
}
