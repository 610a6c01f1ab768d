use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    service::run("bq-flush", bq_flush::Config::read, bq_flush::start).await
}
