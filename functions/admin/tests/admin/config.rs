use admin::{AdminAuth, Config};
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
    let mut env = Env::of([
        ("DATABASE_URL", "postgres://localhost/eventflow"),
        ("GCP_PROJECT_ID", "p"),
    ]);
    let config = Config::read(&mut env).ok().unwrap();
    assert!(env.all_told().is_ok());
    assert_eq!(config.auth, AdminAuth::Google);
}
