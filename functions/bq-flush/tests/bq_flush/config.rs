use bq_flush::Config;
use service::Env;
use store::Numbers;

#[test]
fn every_mistake_is_told_at_once_and_by_name() {
    let mut env = Env::of([
        ("IDENTITY", "off"),
        ("FLUSH_LIMIT_SECONDS", "0"),
        ("FLUSH_LEASE_SECONDS", "long"),
        ("FLUSH_MAX_ROWS", "0"),
        ("FLUSH_JOBS_PER_DAY", "0"),
        ("FLUSH_LONGEST_WAIT_SECONDS", "-1"),
        ("BIGQUERY_NUMBERS", "rounded"),
    ]);
    assert!(Config::read(&mut env).is_err());
    insta::assert_snapshot!(env.all_told().unwrap_err(), @r#"
    DATABASE_URL: is not set
    GOOGLE_CLOUD_PROJECT: is not set
    IDENTITY: "off" is neither "verify" nor "cloud-run"
    IDENTITY_AUDIENCE: is not set
    SCHEDULER_ACCOUNT: is not set
    FLUSH_LIMIT_SECONDS: must be a whole number of seconds, at least 1
    FLUSH_LEASE_SECONDS: must be a whole number of seconds, at least 1
    FLUSH_MAX_ROWS: must be at least 1
    FLUSH_JOBS_PER_DAY: must be at least 1
    FLUSH_LONGEST_WAIT_SECONDS: must be a whole number of seconds, at least 1
    BIGQUERY_NUMBERS: "rounded" is neither "exact" nor "round"
    "#);
}

#[test]
fn a_sandbox_may_be_a_project_of_its_own() {
    let read = |project| {
        let mut env = Env::of([
            ("DATABASE_URL", "postgres://localhost/eventflow"),
            ("GCP_PROJECT_ID", "p"),
            ("BIGQUERY_PROJECT_ID", project),
            ("IDENTITY_AUDIENCE", "http://localhost:8083"),
            ("SCHEDULER_ACCOUNT", "scheduler@p.iam.gserviceaccount.com"),
        ]);
        let config = Config::read(&mut env).ok().unwrap();
        assert!(env.all_told().is_ok());
        config.bigquery.project
    };
    assert_eq!(read("sandbox"), "sandbox");
    assert_eq!(read(""), "p");
}

#[test]
fn numbers_go_as_they_are_unless_the_setting_says_otherwise() {
    for (value, numbers) in [("", Numbers::Exact), ("exact", Numbers::Exact), ("round", Numbers::Rounded)] {
        let mut env = Env::of([
            ("DATABASE_URL", "postgres://localhost/eventflow"),
            ("GCP_PROJECT_ID", "p"),
            ("IDENTITY_AUDIENCE", "http://localhost:8083"),
            ("SCHEDULER_ACCOUNT", "scheduler@p.iam.gserviceaccount.com"),
            ("BIGQUERY_NUMBERS", value),
        ]);
        assert_eq!(Config::read(&mut env).ok().unwrap().settings.numbers, numbers);
        assert!(env.all_told().is_ok());
    }
}
