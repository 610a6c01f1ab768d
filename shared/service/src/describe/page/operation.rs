use std::fmt::Write;

use serde_json::Value;

use super::text::{Text, line, prose, string};
use super::{object, resolved, schema};

pub(super) fn write(page: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        page,
        "<section id=\"{id}\"><h2><b class=\"{method}\">{method}</b> {path}</h2><p>{summary}</p>{description}",
        id = Text(string(&operation["operationId"])),
        method = Text(method),
        path = Text(path),
        summary = line(string(&operation["summary"])),
        description = prose(&operation["description"]),
    );
    identities(page, operation);
    parameters(page, document, operation);
    body(page, path, method, &operation["requestBody"]);
    responses(page, document, operation);
    let _ = page.write_str("</section>\n");
}

fn identities(page: &mut String, operation: &Value) {
    let ways = operation["security"].as_array().into_iter().flatten();
    let names: Vec<_> = ways
        .flat_map(object)
        .map(|(name, _)| format!("<a href=\"#scheme-{name}\">{name}</a>", name = Text(name)))
        .collect();
    if !names.is_empty() {
        let _ = write!(page, "<p>Takes {}</p>", names.join(" or "));
    }
}

fn parameters(page: &mut String, document: &Value, operation: &Value) {
    let Some(parameters) = operation["parameters"].as_array() else { return };
    let _ = page.write_str("<h3>Parameters</h3><table>");
    for parameter in parameters.iter().map(|parameter| resolved(document, parameter)) {
        let _ = write!(
            page,
            "<tr><th><code>{name}</code></th><td>{place}{required}</td><td>{kind}</td><td>{description}</td></tr>",
            name = Text(string(&parameter["name"])),
            place = Text(string(&parameter["in"])),
            required = if parameter["required"] == true { ", required" } else { "" },
            kind = schema::kind(&parameter["schema"]),
            description = prose(&parameter["description"]),
        );
    }
    let _ = page.write_str("</table>");
}

fn body(page: &mut String, path: &str, method: &str, body: &Value) {
    for (media, content) in object(&body["content"]) {
        let kind = schema::kind(&content["schema"]);
        let _ = write!(page, "<h3>Body: <code>{}</code> {kind}</h3>", Text(media));
        for (name, example) in object(&content["examples"]) {
            let summary = example["summary"].as_str().unwrap_or(name);
            let value = &example["value"];
            let text = value.as_str().map_or_else(|| format!("{value:#}"), str::to_owned);
            let _ = write!(
                page,
                "<figure><figcaption>{} <small>{} {}</small></figcaption><pre>{}</pre></figure>",
                line(summary),
                Text(method),
                Text(path),
                Text(&text)
            );
        }
    }
    let _ = page.write_str(&prose(&body["description"]));
}

fn responses(page: &mut String, document: &Value, operation: &Value) {
    let _ = page.write_str("<h3>Answers</h3><table>");
    for (status, response) in object(&operation["responses"]) {
        let response = resolved(document, response);
        let kinds: Vec<_> = object(&response["content"])
            .map(|(media, content)| {
                format!("<code>{}</code> {}", Text(media), schema::kind(&content["schema"]))
            })
            .collect();
        let headers: Vec<_> =
            object(&response["headers"]).map(|(name, _)| format!("<code>{}</code>", Text(name))).collect();
        let _ = write!(
            page,
            "<tr><th>{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            Text(status),
            prose(&response["description"]),
            kinds.join("<br>"),
            headers.join(" "),
        );
    }
    let _ = page.write_str("</table>");
}
