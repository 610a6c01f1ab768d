use std::process::ExitCode;

use mimalloc::MiMalloc;
use process_push::{Config, handlers, start};

/// The allocator of musl, which the images are linked against, has one lock for all threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("process-push", Config::read, async |config, shutdown| {
        let handlers = handlers::registered();
        let handlers = if config.demo_handlers { handlers.with_demo() } else { handlers };
        start(config, handlers, shutdown).await
    })
    .await
}
