use std::{sync::Arc, time::Duration};

use super::printed::{Level, Printed};
use crate::{
    process::{Line, Tell},
    stack::{Part, Stack},
};

/// Prints the lines that `LOG_LEVEL` selects, each with the name of its process.
pub(super) fn tell(log_level: Option<&str>) -> Tell {
    let least = match log_level {
        Some("trace" | "debug") => Level::Detail,
        Some("warn") => Level::Warning,
        Some("error" | "off") => Level::Error,
        _ => Level::Event,
    };
    Arc::new(move |name, line| match line {
        Line::News(text) => println!("{name:<12}  {text}"),
        Line::Printed(line) => {
            let printed = Printed::read(line);
            if printed.level >= least {
                println!("{name:<12}  {}", printed.text);
            }
        }
    })
}

/// The next steps of the user come first: an event, a look at it, the documentation.
pub(super) fn ready(stack: &Stack, took: Duration) {
    let (ingest, admin) = (stack.url(Part::Ingest), stack.url(Part::Admin));
    let rows = [
        ("ingest", ingest.clone()),
        ("process-push", stack.url(Part::ProcessPush)),
        ("admin", admin.clone()),
        ("bq-flush", stack.url(Part::BqFlush)),
        ("Pub/Sub", stack.url(Part::Pubsub)),
        ("BigQuery", stack.url(Part::Bigquery)),
        ("OIDC issuer", stack.url(Part::Oidc)),
        ("PostgreSQL", database(stack)),
        ("logs", stack.logs().display().to_string()),
    ];
    println!("ready in {:.1} s\n", took.as_secs_f64());
    println!("Send an event:\n\n{}\n", send(stack));
    println!("Look at it:\n\ncurl \"{admin}/admin/events?eventType=user.signup&limit=1\"\n");
    println!("Read the API: {ingest}/docs and {admin}/docs; docs/api.md has an overview.\n");
    for (name, place) in rows {
        println!("  {name:<12}  {place}");
    }
    println!("\nCtrl-C ends everything. The data stay for the next run; `make reset` removes them.\n");
}

/// A URL that the user has set is not printed, because it may hold a password.
fn database(stack: &Stack) -> String {
    if stack.has(Part::Postgres) {
        format!("{} ({})", stack.database_url(), stack.postgres())
    } else {
        stack.postgres().to_owned()
    }
}

/// The command that sends the first event, with an API key if ingest asks for one.
fn send(stack: &Stack) -> String {
    let (ingest, admin) = (stack.url(Part::Ingest), stack.url(Part::Admin));
    match stack.settings().environment.get("INGEST_AUTH").unwrap_or("off") {
        "keys" => {
            let key = r#"KEY=$(curl -s -H "Content-Type: application/json" -d '{"name":"first"}' "#;
            let key = format!(r#"{key}{admin}/admin/keys | sed 's/.*"key":"\([^"]*\)".*/\1/')"#);
            format!("{key}\n{}", curl(&ingest, "\n  -H \"Authorization: Bearer $KEY\" \\"))
        }
        "off" => format!(
            "{}\n\n(No key is asked for here. With INGEST_AUTH=keys, ingest asks for an API key.)",
            curl(&ingest, "")
        ),
        _ => curl(&ingest, ""),
    }
}

fn curl(ingest: &str, more: &str) -> String {
    format!(
        r#"curl -X POST {ingest}/events \{more}
  -H "Content-Type: application/json" \
  -d '{{
    "eventType": "user.signup",
    "payload": {{
      "userId": "123",
      "email": "user@example.com",
      "timestamp": "2024-01-01T00:00:00Z"
    }},
    "metadata": {{
      "source": "web",
      "version": "1.0"
    }}
  }}'"#
    )
}
