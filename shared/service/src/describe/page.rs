//! Renders the document as HTML, without a script.

mod operation;
mod schema;
mod text;

use std::fmt::Write;

use serde_json::{Map, Value};

use text::{Text, prose, string};

/// Writing to a String cannot fail, so the result of `write!` is ignored here and below.
pub(super) fn of(document: &Value) -> String {
    let info = &document["info"];
    let title = Text(string(&info["title"]));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body>\n<header><h1>{title} <small>{version}</small></h1>\
         {description}<p>For programs: <a href=\"/openapi.json\">openapi.json</a></p></header>\n",
        version = Text(string(&info["version"])),
        description = prose(&info["description"]),
    );
    contents(&mut page, document);
    let _ = page.write_str("<main>");
    for (path, method, operation) in operations(document) {
        operation::write(&mut page, document, path, method, operation);
    }
    security(&mut page, document);
    let _ = page.write_str("<h2>Schemas</h2>\n");
    for (name, schema) in object(&document["components"]["schemas"]) {
        let name = Text(name);
        let _ =
            write!(page, "<section id=\"schema-{name}\"><h3>{name}</h3>{}", prose(&schema["description"]));
        schema::write(&mut page, schema);
        let _ = page.write_str("</section>\n");
    }
    let _ = page.write_str("</main></body></html>\n");
    page
}

fn contents(page: &mut String, document: &Value) {
    let _ = page.write_str("<nav><ul>");
    for (path, method, operation) in operations(document) {
        let id = Text(string(&operation["operationId"]));
        let (method, path) = (Text(method), Text(path));
        let _ = write!(page, "<li><a href=\"#{id}\"><b class=\"{method}\">{method}</b> {path}</a></li>");
    }
    let _ = page.write_str("</ul></nav>\n");
}

fn security(page: &mut String, document: &Value) {
    let _ = page.write_str("<h2>Who may call</h2>\n<dl>");
    for (name, scheme) in object(&document["components"]["securitySchemes"]) {
        let description = prose(&scheme["description"]);
        let _ = write!(page, "<dt id=\"scheme-{name}\">{name}</dt><dd>{description}</dd>", name = Text(name));
    }
    let _ = page.write_str("</dl>\n");
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    object(&document["paths"]).flat_map(|(path, methods)| {
        object(methods).map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// Returns the value that a reference stands for.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}
