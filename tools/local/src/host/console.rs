use std::{sync::Arc, time::Duration};

use super::printed::{Level, Printed};
use crate::{
    process::{Line, Tell},
    stack::{Part, Stack},
};

/// Shows what `LOG_LEVEL` asks for, each line under the name of who said it.
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

/// Everything that one needs to know to use it.
pub(super) fn ready(stack: &Stack, took: Duration) {
    let rows = [
        ("ingest", stack.url(Part::Ingest)),
        ("process-push", stack.url(Part::ProcessPush)),
        ("admin", stack.url(Part::Admin)),
        ("bq-flush", stack.url(Part::BqFlush)),
        ("Pub/Sub", stack.url(Part::Pubsub)),
        ("BigQuery", stack.url(Part::Bigquery)),
        ("OIDC issuer", stack.url(Part::Oidc)),
        ("PostgreSQL", database(stack)),
        ("logs", stack.logs().display().to_string()),
    ];
    println!("ready in {:.1} s\n", took.as_secs_f64());
    for (name, place) in rows {
        println!("  {name:<12}  {place}");
    }
    println!("\n{}\n", doors(stack));
    println!("Ctrl-C ends everything; the data stay for the next run.\n");
}

/// A URL that was given may hold a password.
fn database(stack: &Stack) -> String {
    if stack.has(Part::Postgres) {
        format!("{} ({})", stack.database_url(), stack.postgres())
    } else {
        stack.postgres().to_owned()
    }
}

/// How to send an event through the door that ingest has.
fn doors(stack: &Stack) -> String {
    let (ingest, admin) = (stack.url(Part::Ingest), stack.url(Part::Admin));
    match stack.settings().environment.get("INGEST_AUTH").unwrap_or("off") {
        "keys" => {
            let key = r#"KEY=$(curl -s -H "Content-Type: application/json" -d '{"name":"first"}' "#;
            let key = format!(r#"{key}{admin}/admin/keys | sed 's/.*"key":"\([^"]*\)".*/\1/')"#);
            format!(
                "ingest wants an API key:\n{key}\n{}",
                curl(&ingest, "\n  -H \"Authorization: Bearer $KEY\" \\")
            )
        }
        "off" => format!(
            "ingest asks nobody who they are; INGEST_AUTH=keys makes it want an API key.\n{}",
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
