use admin::Config;
use door::Callers;
use service::Env;

#[test]
fn every_mistake_is_told_at_once_and_by_name() {
    let mut env = Env::of([("PUBLISH_TIMEOUT_MS", "0"), ("ADMIN_AUTH", "none")]);
    assert!(Config::read(&mut env).is_err());
    insta::assert_snapshot!(env.all_told().unwrap_err(), @r"
    DATABASE_URL: is not set
    GOOGLE_CLOUD_PROJECT: is not set
    PUBLISH_TIMEOUT_MS: must be a whole number of milliseconds, at least 1
    ADMIN_AUTH: must be google, iap or off
    ");
}

#[test]
fn what_is_not_set_has_a_safe_default() {
    let mut env = Env::of([("DATABASE_URL", "postgres://localhost/eventflow"), ("GCP_PROJECT_ID", "p")]);
    let config = Config::read(&mut env).ok().unwrap();
    assert!(env.all_told().is_ok());
    assert!(matches!(config.callers, Callers::Nobody(_)));
}

/// Every Google account can get a token for any audience, so a valid signature alone does not select callers.
#[test]
fn identities_must_be_named_where_cloud_run_does_not_choose() {
    let read = |identity, variable, accounts| {
        let mut env = Env::of([
            ("DATABASE_URL", "postgres://localhost/eventflow"),
            ("GCP_PROJECT_ID", "p"),
            ("ADMIN_AUTH", "google"),
            ("IDENTITY_AUDIENCE", "https://here.example"),
            ("IDENTITY", identity),
            (variable, accounts),
        ]);
        let config = Config::read(&mut env);
        (config.is_ok(), env.all_told().map_err(|mistakes| mistakes.to_string()))
    };
    let mistake = "ADMIN_OWNERS: must name who may come in, unless IDENTITY is cloud-run";
    assert_eq!(read("verify", "ADMIN_OWNERS", ""), (false, Err(mistake.into())));
    for variable in ["ADMIN_ACCOUNTS", "ADMIN_OWNERS", "ADMIN_OPERATORS", "ADMIN_VIEWERS"] {
        assert_eq!(read("verify", variable, "a@example.com, b@example.com"), (true, Ok(())));
    }
    assert_eq!(read("cloud-run", "ADMIN_OWNERS", ""), (true, Ok(())));
}
