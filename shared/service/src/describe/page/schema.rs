use std::fmt::Write;

use serde_json::Value;

use super::object;
use super::text::{Text, prose, string};

/// Writes the members of a schema, or its kind.
pub(super) fn write(page: &mut String, schema: &Value) {
    if schema["properties"].is_object() {
        members(page, schema);
    } else {
        let _ = write!(page, "<p>{}</p>", kind(schema));
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        write(page, part);
    }
}

fn members(page: &mut String, schema: &Value) {
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|required| required == name))
    };
    let _ = page.write_str("<table>");
    for (name, member) in object(&schema["properties"]) {
        let _ = write!(
            page,
            "<tr><th><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(name),
            if required(name) { "required" } else { "" },
            kind(member),
            prose(&member["description"]),
        );
    }
    let _ = page.write_str("</table>");
}

/// Describes a schema in a few words.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        return format!("<a href=\"#schema-{name}\">{name}</a>", name = Text(name));
    }
    for (word, with) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
        if let Some(parts) = schema[word].as_array() {
            return parts.iter().map(kind).collect::<Vec<_>>().join(with);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values = values.iter().map(|value| format!("<code>{}</code>", Text(&value.to_string())));
        return values.collect::<Vec<_>>().join(" ");
    }
    if schema["type"] == "array" {
        return format!("array of {}", kind(&schema["items"]));
    }
    let names = match &schema["type"] {
        Value::Array(names) => names.iter().map(string).collect::<Vec<_>>().join(" or "),
        name => string(name).to_owned(),
    };
    let name = if names.is_empty() { "anything" } else { &names };
    let format = schema["format"].as_str().map(|format| format!(", {format}")).unwrap_or_default();
    format!("{}{}{}", Text(name), Text(&format), Text(&bounds(schema)))
}

fn bounds(schema: &Value) -> String {
    let words = [
        ("minLength", "at least", "characters"),
        ("maxLength", "at most", "characters"),
        ("minItems", "at least", "items"),
        ("maxItems", "at most", "items"),
        ("minimum", "from", ""),
        ("maximum", "to", ""),
    ];
    let told = words.iter().filter_map(|(name, before, after)| {
        let bound = schema.get(*name).filter(|bound| bound.is_number())?;
        Some(format!(", {before} {bound} {after}").trim_end().to_owned())
    });
    told.collect()
}
