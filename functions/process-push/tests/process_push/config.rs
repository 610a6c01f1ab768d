use process_push::Config;
use service::Env;

#[test]
fn every_mistake_is_told_at_once_and_by_name() {
    let mut env = Env::of([
        ("PUBLISH_TIMEOUT_MS", "soon"),
        ("IDENTITY", "off"),
        ("HANDLER_LIMIT_SECONDS", "0"),
        ("MAX_RETRIES", "-1"),
        ("CONCURRENCY", "all"),
        ("DEMO_HANDLERS", "yes"),
    ]);
    assert!(Config::read(&mut env).is_err());
    insta::assert_snapshot!(env.all_told().unwrap_err(), @r#"
    DATABASE_URL: is not set
    GOOGLE_CLOUD_PROJECT: is not set
    PUBLISH_TIMEOUT_MS: must be a whole number of milliseconds, at least 1
    IDENTITY: "off" is neither "verify" nor "cloud-run"
    IDENTITY_AUDIENCE: is not set
    PUSH_ACCOUNT: is not set
    SCHEDULER_ACCOUNT: is not set
    HANDLER_LIMIT_SECONDS: must be a whole number of seconds, at least 1
    MAX_RETRIES: invalid digit found in string
    CONCURRENCY: invalid digit found in string
    DEMO_HANDLERS: provided string was not `true` or `false`
    "#);
}

#[test]
fn numbers_that_do_not_go_together_are_told_at_once_and_by_name() {
    let mut env = Env::of([
        ("DATABASE_URL", "postgres://localhost/eventflow"),
        ("GOOGLE_CLOUD_PROJECT", "p"),
        ("IDENTITY_AUDIENCE", "http://localhost:8081"),
        ("PUSH_ACCOUNT", "pusher@p.iam.gserviceaccount.com"),
        ("SCHEDULER_ACCOUNT", "scheduler@p.iam.gserviceaccount.com"),
        ("HANDLER_LIMIT_SECONDS", "90"),
        ("LEASE_SECONDS", "90"),
        ("FIRST_DUE_SECONDS", "90"),
        ("DUE_STEP_SECONDS", "690"),
        ("CONCURRENCY", "0"),
        ("DATABASE_MAX_CONNECTIONS", "4"),
        ("RETENTION_DAYS", "6"),
    ]);
    assert!(Config::read(&mut env).is_err());
    insta::assert_snapshot!(env.all_told().unwrap_err(), @r"
    HANDLER_LIMIT_SECONDS: must be below LEASE_SECONDS, 90s
    LEASE_SECONDS: must be below ACK_DEADLINE_SECONDS, 90s
    FIRST_DUE_SECONDS: must be above LEASE_SECONDS, 90s
    DUE_STEP_SECONDS: must be above RETRY_MAX_SECONDS and ACK_DEADLINE_SECONDS together, 690s
    CONCURRENCY: must be at least 1
    RETENTION_DAYS: must be from 7 to 366: each week that is kept takes locks of the database's
    DATABASE_MAX_CONNECTIONS: must be above 4, which are not for handlers
    ");
}

/// The settings that have no default.
const REQUIRED: [(&str, &str); 5] = [
    ("DATABASE_URL", "postgres://localhost/eventflow"),
    ("GCP_PROJECT_ID", "p"),
    ("IDENTITY_AUDIENCE", "http://localhost:8081"),
    ("PUSH_ACCOUNT", "pusher@p.iam.gserviceaccount.com"),
    ("SCHEDULER_ACCOUNT", "scheduler@p.iam.gserviceaccount.com"),
];

/// With more weeks, a statement that reads all of them would take the locks that all sessions share.
#[test]
fn events_are_kept_for_a_year_at_most() {
    let with = |days| {
        let set = |n| REQUIRED.get(n).copied().unwrap_or(("RETENTION_DAYS", days));
        let mut env = Env::of(std::array::from_fn::<_, { REQUIRED.len() + 1 }, _>(set));
        Config::read(&mut env)
            .map(|config| config.settings.retention)
            .map_err(|_| env.all_told().unwrap_err().to_string())
    };
    assert_eq!(with("366"), Ok(std::time::Duration::from_hours(366 * 24)));
    let told = "RETENTION_DAYS: must be from 7 to 366: each week that is kept takes locks of the database's";
    assert_eq!(with("367"), Err(told.to_owned()));
}

#[test]
fn the_defaults_go_together() {
    let mut env = Env::of(REQUIRED);
    let config = Config::read(&mut env).ok().unwrap();
    assert!(!config.demo_handlers);
    assert!(env.all_told().is_ok());
    assert_eq!(config.settings.retries.max, 3);
    assert_eq!(config.settings.retention, std::time::Duration::from_hours(90 * 24));
    assert!(config.store.max_connections > config.store.max_transactions, "claims and ends have some");
}
