//! `make demo`: sends GitHub's own webhook bodies through the running system, and balances the books.

mod books;
mod examples;
mod npm;
mod progress;
mod send;
mod settle;
mod system;

use std::time::Duration;

use crate::{
    Error,
    stack::{Environment, Part, Settings},
};
use books::Books;
use examples::Example;
use progress::Progress;
use settle::Wait;
use system::System;

/// Returns the exit code, which is 1 if the books do not balance.
pub async fn run() -> Result<u8, Error> {
    let environment = Environment::with_file(&std::env::current_dir()?)?;
    let settings = Settings::read(&environment)?;
    let system = System::of(&settings);
    if !system.listens().await {
        let port = settings.ports.of(Part::Ingest);
        return Err(format!("nothing listens on port {port}: start `make run` first").into());
    }
    let (examples, source) = examples::load().await?;
    println!("{} webhook bodies from {source}", examples.len());
    let one_flush = Duration::from_secs(u64::from(settings.flush_every_seconds) + 1);
    let books = keep(&system, &examples, one_flush).await?;
    println!("{books}");
    Ok(u8::from(!books.differences().is_empty()))
}

async fn keep(system: &System, examples: &[Example], one_flush: Duration) -> Result<Books, Error> {
    let next_row = system.row_count().await?;
    let progress = Progress::over(examples.len())?;
    let answers = send::all(system, examples, || progress.answered()).await;
    let mut books = Books::open(answers);
    let wait = Wait { system, progress: &progress, next_row, one_flush };
    wait.for_books(&mut books).await;
    progress.end()?;
    Ok(books)
}
