use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The allocator of musl, which the images are linked against, has one lock for all threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        None => service::run("admin", admin::Config::read, admin::start).await,
        Some("migrate") => admin::migrate().await,
        Some("adopt") => admin::adopt::command(&arguments[1..]).await,
        Some("keys") => admin::keys::command::command(&arguments[1..]).await,
        Some(other) => {
            eprintln!(
                "admin: unknown command `{other}`; there are `migrate`, `adopt`, `keys`, and none to serve"
            );
            ExitCode::from(2)
        }
    }
}
