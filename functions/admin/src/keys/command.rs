use std::process::ExitCode;

use door::ApiKey;
use service::{BoxError, Env};
use store::{Act, DatabaseUrl, KeySecret, KeySettings, Store, StoreConfig};

use super::settings;

const USAGE: &str = "admin keys create --name NAME";

/// Creates a key for anyone who has the database's password. It is for the first key, before there is an identity that
/// admin knows. The command prints only the key, so that it can be read into a variable.
pub async fn command(arguments: &[String]) -> ExitCode {
    let [verb, option, name] = arguments else { return told("unknown arguments") };
    if verb != "create" || option != "--name" {
        return told("unknown arguments");
    }
    let Ok(name) = settings::name(name.clone()) else { return told("that is no name for a key") };
    let mut env = Env::process();
    let url = env.required::<DatabaseUrl>("DATABASE_URL");
    if let Err(mistakes) = env.all_told() {
        eprintln!("admin keys cannot start with this environment:\n{mistakes}");
        return ExitCode::from(2);
    }
    let Ok(url) = url else { return ExitCode::from(2) };
    match create(url, name).await {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("admin keys failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn told(mistake: &str) -> ExitCode {
    eprintln!("admin keys: {mistake}; there is `{USAGE}`");
    ExitCode::from(2)
}

async fn create(url: DatabaseUrl, name: String) -> Result<String, BoxError> {
    let store = Store::new(&StoreConfig { max_connections: 1, ..StoreConfig::new(url, "admin keys") })?;
    let (key, text) = ApiKey::mint()?;
    let secret = KeySecret { id: key.id().to_owned(), hash: key.hash() };
    let settings = KeySettings { name, event_types: None, rate_limit: None, expires_at: None };
    match store.create_key(secret, settings, Act::terminal()).await? {
        Ok(_) => Ok(text.reveal()),
        Err(refused) => Err(format!("{refused:?}").into()),
    }
}
