use std::process::ExitCode;

use process_push::{Config, handlers, start};

#[tokio::main]
async fn main() -> ExitCode {
    service::run("process-push", Config::read, async |config, shutdown| {
        start(config, handlers::registered(), shutdown).await
    })
    .await
}
