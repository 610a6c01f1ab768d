//! Sends one event through a deployment from end to end and one that dies, and checks that strangers are refused. The
//! deployment is the system that `make run` has started, or a project of Google Cloud.

mod checks;
mod key;
mod place;
mod report;

use std::process::ExitCode;

use place::Place;
use report::Report;

type Error = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    // The HTTP client needs a TLS provider even for plain HTTP. If one is installed already, it is used.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut place = match Place::of_environment() {
        Ok(place) => place,
        Err(error) => {
            eprintln!("smoke: {error}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    checks::all(&mut place, &mut report).await;
    println!("{report}");
    if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
