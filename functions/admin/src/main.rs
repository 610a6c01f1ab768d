use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        None => service::run("admin", admin::Config::read, admin::start).await,
        Some("migrate") => admin::migrate().await,
        Some(other) => {
            eprintln!("admin: unknown command `{other}`; there is `migrate`, and none to serve");
            ExitCode::from(2)
        }
    }
}
