use reqwest::{Client, StatusCode};
use serde::Deserialize;

use local::stack::Part;

use crate::Error;
use crate::world::World;

/// Reads the events in BigQuery directly, without a proxy in between.
pub(crate) struct Warehouse<'a> {
    client: &'a Client,
    url: String,
}

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

impl<'a> Warehouse<'a> {
    pub(crate) fn of(world: &'a World) -> Self {
        let project = &world.stack.settings().project;
        let bigquery = world.stack.url(Part::Bigquery);
        let url = format!("{bigquery}/bigquery/v2/projects/{project}/datasets/eventflow/tables/events/data");
        Self { client: &world.client, url }
    }

    pub(crate) async fn count(&self) -> Result<u64, Error> {
        Ok(match self.page(0, 0).await? {
            Some(page) => page.total_rows.parse()?,
            None => 0,
        })
    }

    pub(crate) async fn ids(&self) -> Result<Vec<String>, Error> {
        const PAGE: usize = 10_000;
        let mut ids = Vec::new();
        while let Some(page) = self.page(ids.len(), PAGE).await? {
            if page.rows.is_empty() {
                break;
            }
            ids.extend(page.rows.into_iter().filter_map(|row| row.f.into_iter().next()).map(|cell| cell.v));
        }
        Ok(ids)
    }

    /// Returns None if the table does not exist yet.
    async fn page(&self, start: usize, length: usize) -> Result<Option<Page>, Error> {
        let url = format!("{}?selectedFields=id&startIndex={start}&maxResults={length}", self.url);
        let answer = self.client.get(url).send().await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.error_for_status()?.json().await?))
    }
}
