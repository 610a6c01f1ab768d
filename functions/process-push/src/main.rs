use std::process::ExitCode;

use process_push::{Config, handlers, start};

#[tokio::main]
async fn main() -> ExitCode {
    service::run("process-push", Config::read, async |config, shutdown| {
        let handlers = handlers::registered();
        let handlers = if config.demo_handlers { handlers.with_demo() } else { handlers };
        start(config, handlers, shutdown).await
    })
    .await
}
