use ingest::{Config, Senders};
use service::Env;
use std::num::NonZero;

#[test]
fn every_mistake_is_told_at_once_and_by_name() {
    let mut env = Env::of([
        ("DATABASE_URL", "mysql://root:secret@localhost/eventflow"),
        ("DATABASE_MAX_CONNECTIONS", "0"),
        ("PUBLISH_TIMEOUT_MS", "0"),
        ("INGEST_AUTH", "none"),
        ("CORS_ORIGINS", "https://app.example,*"),
        ("MAX_BODY_BYTES", "1MiB"),
        ("FIRST_DUE_SECONDS", "-1"),
        ("IDEMPOTENCY_KEY_HOURS", "0"),
    ]);
    assert!(Config::read(&mut env).is_err());
    insta::assert_snapshot!(env.all_told().unwrap_err(), @r"
    DATABASE_URL: must be a URL such as postgres://user:password@host:5432/database
    DATABASE_MAX_CONNECTIONS: must be at least 1
    GOOGLE_CLOUD_PROJECT: is not set
    PUBLISH_TIMEOUT_MS: must be a whole number of milliseconds, at least 1
    INGEST_AUTH: must be keys, iam or off
    CORS_ORIGINS: * is no origin such as https://app.example or http://localhost:3000
    MAX_BODY_BYTES: invalid digit found in string
    FIRST_DUE_SECONDS: must be a whole number of seconds, at least 1
    IDEMPOTENCY_KEY_HOURS: must be at least 1
    ");
}

#[test]
fn what_is_not_set_has_a_safe_default() {
    let mut env = Env::of([("DATABASE_URL", "postgres://localhost/eventflow"), ("GCP_PROJECT_ID", "p")]);
    let config = Config::read(&mut env).ok().unwrap();
    assert!(env.all_told().is_ok());
    assert!(matches!(config.senders, Senders::Keys));
    assert_eq!(config.requests_per_second.map(NonZero::get), Some(1000));
    assert_eq!(config.limits.body_bytes, 1024 * 1024);
    assert_eq!(config.publisher.project, "p");
    assert_eq!(config.keys_last, std::time::Duration::from_hours(24));
}

/// Every Google account can get a token for any audience, so a valid signature alone does not select callers.
#[test]
fn identities_must_be_named_where_cloud_run_does_not_choose() {
    let read = |identity, accounts| {
        let mut env = Env::of([
            ("DATABASE_URL", "postgres://localhost/eventflow"),
            ("GCP_PROJECT_ID", "p"),
            ("INGEST_AUTH", "iam"),
            ("IDENTITY_AUDIENCE", "https://here.example"),
            ("IDENTITY", identity),
            ("INGEST_ACCOUNTS", accounts),
        ]);
        let config = Config::read(&mut env);
        (config.is_ok(), env.all_told().map_err(|mistakes| mistakes.to_string()))
    };
    let mistake = "INGEST_ACCOUNTS: must name who may come in, unless IDENTITY is cloud-run";
    assert_eq!(read("verify", ""), (false, Err(mistake.into())));
    assert_eq!(read("verify", "a@example.com, b@example.com"), (true, Ok(())));
    assert_eq!(read("cloud-run", ""), (true, Ok(())));
}
