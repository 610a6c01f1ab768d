//! The requests of the demo to the running system.

use std::time::Duration;

use event::{EventId, Status};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;

use super::examples::Example;
use crate::{
    Error, oidc,
    stack::{Part, Settings},
};

/// Far more than a healthy answer takes.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) struct System {
    http: Client,
    ingest: String,
    admin: String,
    rows: String,
}

impl System {
    pub(super) fn of(settings: &Settings) -> Self {
        let setting = |name, default| settings.environment.get(name).unwrap_or(default);
        Self {
            http: oidc::http_client(),
            ingest: settings.url(Part::Ingest),
            admin: settings.url(Part::Admin),
            rows: format!(
                "{}/bigquery/v2/projects/{}/datasets/{}/tables/{}/data",
                settings.url(Part::Bigquery),
                setting("BIGQUERY_PROJECT_ID", &settings.project),
                setting("BIGQUERY_DATASET_ID", "eventflow"),
                setting("BIGQUERY_TABLE_ID", "events"),
            ),
        }
    }

    pub(super) async fn post(&self, example: &Example) -> reqwest::Result<Response> {
        let url = format!("{}/events", self.ingest);
        let request = self.http.post(url).json(example);
        request.timeout(LIMIT).send().await
    }

    pub(super) async fn listens(&self) -> bool {
        let answer = self.get(format!("{}/health", self.ingest)).await;
        !answer.is_err_and(|error| error.is_connect())
    }

    pub(super) async fn is_ready(&self) -> bool {
        let answer = self.get(format!("{}/ready", self.ingest)).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Returns None if admin does not know the event.
    pub(super) async fn status(&self, id: EventId) -> Result<Option<Status>, Error> {
        #[derive(Deserialize)]
        struct Event {
            status: Status,
        }
        let url = format!("{}/admin/events/{id}", self.admin);
        let answer = self.get(url).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let event: Event = answer.error_for_status()?.json().await?;
        Ok(Some(event.status))
    }

    pub(super) async fn row_count(&self) -> Result<u64, Error> {
        let page = self.page(0, 0).await?;
        Ok(page.map_or(Ok(0), |page| page.total_rows.parse())?)
    }

    /// Returns a page of row ids from `start` on, and none at the end. In an append-only table of the stand-in a row
    /// keeps its position.
    pub(super) async fn row_ids(&self, start: u64) -> Result<Vec<String>, Error> {
        const PAGE: u32 = 1000;
        let page = self.page(start, PAGE).await?;
        let rows = page.map(|page| page.rows).unwrap_or_default();
        let ids = rows.into_iter().filter_map(|row| row.f.into_iter().next());
        Ok(ids.map(|cell| cell.v).collect())
    }

    /// Returns None if the table does not exist yet.
    async fn page(&self, start: u64, length: u32) -> Result<Option<Page>, Error> {
        let rows = &self.rows;
        let url = format!("{rows}?selectedFields=id&startIndex={start}&maxResults={length}");
        let answer = self.get(url).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.json().await?))
    }

    async fn get(&self, url: String) -> reqwest::Result<Response> {
        self.http.get(url).timeout(LIMIT).send().await
    }
}

/// The answer of `tabledata.list` for one column.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    total_rows: String,
    #[serde(default)]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    f: Vec<Cell>,
}

#[derive(Deserialize)]
struct Cell {
    v: String,
}
