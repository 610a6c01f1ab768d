use std::process::ExitCode;
use std::time::Duration;

use service::Env;
use store::{DatabaseUrl, Store, StoreConfig};

/// Applies the missing migrations, makes partitions ahead, and prints the result.
pub async fn migrate() -> ExitCode {
    let mut env = Env::process();
    let url = env.required::<DatabaseUrl>("DATABASE_URL");
    if let Err(mistakes) = env.all_told() {
        eprintln!("admin migrate cannot start with this environment:\n{mistakes}");
        return ExitCode::from(2);
    }
    let Ok(url) = url else { return ExitCode::from(2) };
    match up_to_date(url).await {
        Ok(made) => {
            println!("the database is up to date; partitions made: {}", made.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("admin migrate failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn up_to_date(url: DatabaseUrl) -> Result<Vec<String>, store::Error> {
    // A migration that rewrites a table takes a long time.
    let statement_timeout = Duration::from_mins(15);
    let store = Store::new(&StoreConfig {
        max_connections: 2,
        statement_timeout,
        ..StoreConfig::new(url, "admin migrate")
    })?;
    store.migrate().await
}
