use std::time::Duration;

use gcp::{BigQueryConfig, IdentityConfig};
use service::{Env, Noted};
use store::{DatabaseUrl, Numbers, StoreConfig};

/// The time limit for one call of the API, or for one chunk of an upload.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// The bytes and rows, for each second of a flush's limit, that are uploaded well within the limit. BigQuery itself
/// would take 15 TB, and 100 MB a row, of which ingest accepts less.
const BYTES_A_SECOND: i64 = 4 << 20;
const ROWS_A_SECOND: u32 = 4_000;

const FIRST_WAIT: Duration = Duration::from_secs(5);

pub struct Config {
    pub store: StoreConfig,
    pub bigquery: BigQueryConfig,
    pub identity: IdentityConfig,
    /// The account that Cloud Scheduler calls with.
    pub scheduler: String,
    pub settings: Settings,
}

#[derive(Clone, Debug)]
pub struct Settings {
    /// The time limit of a call. The next call continues at the same place.
    pub limit: Duration,
    pub lease: Duration,
    /// The longest pause between two questions about a job. The first pause is shorter.
    pub poll: Duration,
    /// The approximate number of rows in a load job, and of bytes of payload.
    pub rows_per_load: u32,
    pub bytes_per_load: i64,
    /// The most rows in a page. Large rows make smaller pages.
    pub rows_per_page: u32,
    /// The limit of load jobs a day. BigQuery counts the load jobs of a table by the day, including failed ones. The
    /// search for rows that do not fit may use half of them.
    pub jobs_a_day: u32,
    /// The wait of a range after its job failed. It doubles after each further failure, up to the longest wait.
    pub first_wait: Duration,
    pub longest_wait: Duration,
    /// The form in which numbers are written first.
    pub numbers: Numbers,
}

impl Config {
    pub fn read(env: &mut Env) -> Result<Self, Noted> {
        env.alias("GOOGLE_CLOUD_PROJECT", "GCP_PROJECT_ID");
        env.alias("GOOGLE_APPLICATION_CREDENTIALS", "GCP_CREDENTIALS_PATH");
        let url = env.required::<DatabaseUrl>("DATABASE_URL");
        let project: Result<String, _> = env.required("GOOGLE_CLOUD_PROJECT");
        let bigquery_project = env.optional("BIGQUERY_PROJECT_ID");
        let dataset = env.or("BIGQUERY_DATASET_ID", "eventflow".to_owned());
        let table = env.or("BIGQUERY_TABLE_ID", "events".to_owned());
        let location = env.optional("BIGQUERY_LOCATION");
        let emulator_host = env.optional("BIGQUERY_EMULATOR_HOST");
        let credentials_file = env.optional("GOOGLE_APPLICATION_CREDENTIALS");
        let identity = door::identity(env);
        let scheduler = env.required("SCHEDULER_ACCOUNT");
        let settings = Settings::read(env);
        let project = project?;
        Ok(Self {
            store: StoreConfig { max_connections: 3, ..StoreConfig::new(url?, "bq-flush") },
            bigquery: BigQueryConfig {
                project: bigquery_project?.unwrap_or(project),
                dataset: dataset?,
                table: table?,
                location: location?,
                emulator_host: emulator_host?,
                credentials_file: credentials_file?,
                timeout: CALL_TIMEOUT,
            },
            identity: identity?,
            scheduler: scheduler?,
            settings: settings?,
        })
    }
}

impl Settings {
    fn read(env: &mut Env) -> Result<Self, Noted> {
        let limit = env.seconds("FLUSH_LIMIT_SECONDS", 240);
        let lease = env.seconds("FLUSH_LEASE_SECONDS", 60);
        let rows_per_load = env.count("FLUSH_MAX_ROWS", 1_000_000);
        let jobs_a_day = env.count("FLUSH_JOBS_PER_DAY", 1_500);
        let longest_wait = env.seconds("FLUSH_LONGEST_WAIT_SECONDS", 600);
        let numbers = numbers(env);
        let limit = limit?;
        let seconds = u32::try_from(limit.as_secs()).unwrap_or(u32::MAX);
        Ok(Self {
            limit,
            lease: lease?,
            poll: Duration::from_millis(500),
            rows_per_load: rows_per_load?.min(ROWS_A_SECOND.saturating_mul(seconds)),
            bytes_per_load: BYTES_A_SECOND.saturating_mul(i64::from(seconds)),
            rows_per_page: 10_000,
            jobs_a_day: jobs_a_day?,
            first_wait: FIRST_WAIT,
            longest_wait: longest_wait?,
            numbers: numbers?,
        })
    }
}

fn numbers(env: &mut Env) -> Result<Numbers, Noted> {
    match env.or("BIGQUERY_NUMBERS", "exact".to_owned())?.as_str() {
        "exact" => Ok(Numbers::Exact),
        "round" => Ok(Numbers::Rounded),
        other => {
            Err(env.mistake("BIGQUERY_NUMBERS", format!("{other:?} is neither \"exact\" nor \"round\"")))
        }
    }
}
