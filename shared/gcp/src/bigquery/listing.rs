use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::BigQuery;
use super::error::{Error, read_refusal};
use crate::error::with_causes;

/// A load job of this table, from the list of a project's jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    pub job_id: String,
    pub labels: BTreeMap<String, String>,
    /// In milliseconds since 1970.
    pub created_at: i64,
    pub state: ListedState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedState {
    Running,
    Loaded,
    Failed,
}

/// The owner of the listed jobs. Jobs that were begun with these credentials may be listed without a right, and all
/// jobs with the right to list all: <https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/list>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Ours,
    Everybodys,
}

/// One page of a list.
#[derive(Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl BigQuery {
    /// The load jobs of this table among a page of the newest jobs, the newest first.
    pub async fn load_jobs(
        &self,
        whose: Whose,
        page: Option<&str>,
        size: u32,
    ) -> Result<Page<ListedJob>, Error> {
        let config = &self.shared.config;
        let path = format!("projects/{}/jobs", config.project);
        let size = size.to_string();
        let mut query = vec![("projection", "full"), ("maxResults", &size)];
        query.extend((whose == Whose::Everybodys).then_some(("allUsers", "true")));
        query.extend(page.map(|token| ("pageToken", token)));
        let list: JobList = self.get(&path, &query).await?;
        let wanted = (&config.project, &config.dataset, &config.table);
        let items = list.jobs.into_iter().filter_map(|job| job.listed(wanted)).collect();
        Ok(Page { items, next: list.next_page_token })
    }

    /// A page of the values that the rows of this table have in one column.
    pub async fn column(&self, name: &str, page: Option<&str>) -> Result<Page<String>, Error> {
        let config = &self.shared.config;
        let path =
            format!("projects/{}/datasets/{}/tables/{}/data", config.project, config.dataset, config.table);
        let mut query = vec![("selectedFields", name), ("maxResults", "50000")];
        query.extend(page.map(|token| ("pageToken", token)));
        let list: RowList = self.get(&path, &query).await?;
        let items = list.rows.into_iter().flat_map(|row| row.f).filter_map(|cell| cell.v).collect();
        Ok(Page { items, next: list.page_token })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, Error> {
        let connection = self.connection().await?;
        let url = format!("{}/bigquery/v2/{path}", connection.origin);
        let request = connection.http.get(url).query(query).bearer_auth(connection.bearer().await?);
        let unknown = |error: reqwest::Error| Error::Unknown(with_causes(&error));
        let response = request.send().await.map_err(unknown)?;
        let status = response.status();
        if !status.is_success() {
            let (reason, message) = read_refusal(status.as_u16(), &response.text().await.map_err(unknown)?);
            return Err(Error::Refused { status: status.as_u16(), reason, message });
        }
        response.json().await.map_err(unknown)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobList {
    #[serde(default)]
    jobs: Vec<JobItem>,
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobItem {
    job_reference: JobReference,
    #[serde(default)]
    state: String,
    error_result: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    configuration: Configuration,
    statistics: Statistics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JobReference {
    job_id: String,
}

#[derive(Default, Deserialize)]
struct Configuration {
    load: Option<Load>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    destination_table: Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_field_names, reason = "the names are Google's")]
struct Table {
    project_id: String,
    dataset_id: String,
    table_id: String,
}

/// BigQuery writes 64-bit numbers as text.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    creation_time: String,
}

impl JobItem {
    fn listed(self, (project, dataset, table): (&String, &String, &String)) -> Option<ListedJob> {
        let of = self.configuration.load?.destination_table;
        if (&of.project_id, &of.dataset_id, &of.table_id) != (project, dataset, table) {
            return None;
        }
        Some(ListedJob {
            job_id: self.job_reference.job_id,
            labels: self.configuration.labels,
            created_at: self.statistics.creation_time.parse().unwrap_or_default(),
            state: match (self.state.as_str(), self.error_result) {
                ("DONE", None) => ListedState::Loaded,
                ("DONE", Some(_)) => ListedState::Failed,
                _ => ListedState::Running,
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowList {
    #[serde(default)]
    rows: Vec<Row>,
    page_token: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    f: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    v: Option<String>,
}
