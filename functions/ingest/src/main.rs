use std::process::ExitCode;

use mimalloc::MiMalloc;

/// The allocator of musl, which the images are linked against, has one lock for all threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("ingest", ingest::Config::read, ingest::start).await
}
