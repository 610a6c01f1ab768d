use std::process::ExitCode;
use std::time::Duration;

use futures::stream;
use gcp::bigquery::{self, Job, ListedState, LoadError, Reason, Whose};
use gcp::{BigQuery, BigQueryConfig};
use service::{Env, Noted};
use store::{Act, Adopted, Adoption, DatabaseUrl, Error, FlusherLease, JOB_PREFIX, Load, Store, StoreConfig};
use uuid::Uuid;

const CONFIRM: &str = "--no-other-database-loads";
const USAGE: &str = "admin adopt [--no-other-database-loads]";
/// The lease is renewed at each page that is read. If a command died, a flush and the next try wait until it ends.
const LEASE: Duration = Duration::from_mins(5);
const CALL_TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(200);

/// The reason why a database was not adopted. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum NotAdopted {
    #[error(transparent)]
    Store(#[from] Error),
    #[error(transparent)]
    BigQuery(#[from] bigquery::Error),
    #[error(transparent)]
    Burn(#[from] LoadError),
    #[error(
        "a flush or another `admin adopt` is under way, or was less than 5 minutes ago and died: pause the flush's schedule and try \
         again"
    )]
    Busy,
    #[error(
        "of the IDs that were read out of BigQuery the database has not kept all, as after a crash: nothing has changed, try again"
    )]
    Forgotten,
    #[error("BigQuery is still at work on {0}: try again when it has ended")]
    JobRuns(String),
    #[error("a row in BigQuery has the id `{0}`, which is no UUID")]
    ForeignRow(String),
}

/// Reports what there is to adopt, or adopts it: a database that was restored, copied or taken back in time.
pub async fn command(arguments: &[String]) -> ExitCode {
    let is_confirmed = match arguments {
        [] => false,
        [one] if one == CONFIRM => true,
        _ => {
            eprintln!("admin adopt: unknown arguments; there is `{USAGE}`");
            return ExitCode::from(2);
        }
    };
    let mut env = Env::process();
    let config = config(&mut env);
    if let Err(mistakes) = env.all_told() {
        eprintln!("admin adopt cannot start with this environment:\n{mistakes}");
        return ExitCode::from(2);
    }
    let Ok((store, bigquery)) = config else { return ExitCode::from(2) };
    match start(store, bigquery, is_confirmed).await {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("admin adopt failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn config(env: &mut Env) -> Result<(StoreConfig, BigQueryConfig), Noted> {
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
    let project = project?;
    let store = StoreConfig {
        max_connections: 3,
        statement_timeout: Duration::from_mins(15),
        ..StoreConfig::new(url?, "admin adopt")
    };
    let bigquery = BigQueryConfig {
        project: bigquery_project?.unwrap_or(project),
        dataset: dataset?,
        table: table?,
        location: location?,
        emulator_host: emulator_host?,
        credentials_file: credentials_file?,
        timeout: CALL_TIMEOUT,
    };
    Ok((store, bigquery))
}

async fn start(
    store: StoreConfig,
    bigquery: BigQueryConfig,
    is_confirmed: bool,
) -> Result<String, NotAdopted> {
    let bigquery = BigQuery::connect(bigquery).await.map_err(bigquery::Error::from)?;
    adopt(&Store::new(&store)?, &bigquery, is_confirmed).await
}

/// Reads the rows from BigQuery, and reports what would become of each event, or does it.
pub async fn adopt(store: &Store, bigquery: &BigQuery, is_confirmed: bool) -> Result<String, NotAdopted> {
    let lease = FlusherLease { holder: Uuid::new_v4(), lasts: LEASE };
    hold(store, lease).await?;
    let adopted = under_lease(store, bigquery, lease, is_confirmed).await;
    let released = store.release_flusher_lease(lease).await;
    // If both fail, the first error is reported.
    let report = adopted?;
    released?;
    Ok(report)
}

async fn hold(store: &Store, lease: FlusherLease) -> Result<(), NotAdopted> {
    store.hold_flusher_lease(lease).await?.then_some(()).ok_or(NotAdopted::Busy)
}

async fn under_lease(
    store: &Store,
    bigquery: &BigQuery,
    lease: FlusherLease,
    is_confirmed: bool,
) -> Result<String, NotAdopted> {
    // Without this check, the rows of a cluster that was upgraded in place would be judged like those of a dump.
    store.is_ledger_of_this_cluster().await?;
    bigquery.ensure_table().await?;
    let unknown_jobs = unknown_jobs(store, bigquery, lease).await?;
    if is_confirmed {
        for load in store.open_loads().await? {
            hold(store, lease).await?;
            burn(bigquery, &load).await?;
        }
    }
    let Read { rows, noted } = read_ids(store, bigquery, lease).await?;
    let jobs = unknown_jobs.len();
    if !is_confirmed {
        let adoption = store.look_at_adoption(noted).await?.ok_or(NotAdopted::Forgotten)?;
        return Ok(format!(
            "{}\nNothing was changed. Once no other database loads into this table any more, `admin adopt {CONFIRM}` makes this \
             one go on.",
            told(&adoption, rows, jobs)
        ));
    }
    let adoption = match store.adopt(lease, noted, unknown_jobs, Act::terminal()).await? {
        Adopted::Done(adoption) => adoption,
        Adopted::NotOurs => return Err(NotAdopted::Busy),
        Adopted::Forgotten => return Err(NotAdopted::Forgotten),
    };
    store.forget_adoption().await?;
    Ok(format!("{}\nAdopted: the next flush goes on from here.", told(&adoption, rows, jobs)))
}

fn told(adoption: &Adoption, rows: u64, jobs: usize) -> String {
    let origin = if adoption.same_cluster { "this cluster" } else { "another PostgreSQL cluster" };
    format!(
        "the ledger was made in {origin}\n\
         rows in BigQuery: {rows}, by {jobs} load jobs more than the ledger knows\n\
         events that are loaded though the ledger does not say so: {}\n\
         events in BigQuery that are not in this database: {}\n\
         events that are not loaded and will be: {}",
        adoption.loaded_unknown, adoption.only_in_bigquery, adoption.to_load
    )
}

/// Returns the jobs that BigQuery knows and the ledger does not. A job that still runs may load rows after they were
/// counted.
async fn unknown_jobs(
    store: &Store,
    bigquery: &BigQuery,
    lease: FlusherLease,
) -> Result<Vec<String>, NotAdopted> {
    let (mut unknown, mut next) = (Vec::new(), None::<String>);
    let whose = visible(bigquery).await?;
    loop {
        hold(store, lease).await?;
        let page = bigquery.load_jobs(whose, next.as_deref(), 1000).await?;
        let ours: Vec<_> = page.items.into_iter().filter(|job| job.job_id.starts_with(JOB_PREFIX)).collect();
        if let Some(job) = ours.iter().find(|job| job.state == ListedState::Running) {
            return Err(NotAdopted::JobRuns(job.job_id.clone()));
        }
        unknown.extend(store.unknown_load_jobs(ours.into_iter().map(|job| job.job_id).collect()).await?);
        next = page.next;
        if next.is_none() {
            return Ok(unknown);
        }
    }
}

/// A person needs the right to list all jobs, to see those of the flusher. The flusher's own account does not need it.
async fn visible(bigquery: &BigQuery) -> Result<Whose, bigquery::Error> {
    match bigquery.load_jobs(Whose::Everybodys, None, 1).await {
        Ok(_) => Ok(Whose::Everybodys),
        Err(bigquery::Error::Refused { reason: Reason::Access, .. }) => Ok(Whose::Ours),
        Err(error) => Err(error),
    }
}

/// Makes the job of an open range with no rows in it, or waits for the existing job. So an upload of that name that is
/// still in progress can load nothing later.
async fn burn(bigquery: &BigQuery, load: &Load) -> Result<(), NotAdopted> {
    bigquery.load(&load.job_id, &[], stream::empty()).await?;
    while bigquery.job(&load.job_id).await? == Job::Running {
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

/// The rows that were read from BigQuery.
#[derive(Default)]
struct Read {
    rows: u64,
    /// The number of different ids, as the database has counted them.
    noted: u64,
}

/// Notes the ids of all rows in BigQuery, and counts the rows.
async fn read_ids(store: &Store, bigquery: &BigQuery, lease: FlusherLease) -> Result<Read, NotAdopted> {
    store.forget_adoption().await?;
    let (mut read, mut next) = (Read::default(), None::<String>);
    loop {
        hold(store, lease).await?;
        let page = bigquery.column("id", next.as_deref()).await?;
        read.rows += page.items.len() as u64;
        let id = |text: &String| text.parse().map_err(|_| NotAdopted::ForeignRow(text.clone()));
        read.noted += store.note_adoption(page.items.iter().map(id).collect::<Result<_, _>>()?).await?;
        next = page.next;
        if next.is_none() {
            return Ok(read);
        }
    }
}
