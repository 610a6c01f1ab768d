use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("ingest", ingest::Config::read, ingest::start).await
}
