use gcp_bigquery_client::model::clustering::Clustering;
use gcp_bigquery_client::model::dataset::Dataset;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_schema::TableSchema;
use gcp_bigquery_client::model::time_partitioning::TimePartitioning;

use super::error::Error;
use super::reason::Reason;
use super::{BigQuery, SCHEMA};

/// The parts that were missing and have been made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ensured {
    pub dataset_made: bool,
    pub table_made: bool,
}

impl BigQuery {
    /// Makes the dataset and the table if they are missing. If the right to do so is missing, the error names it and
    /// says what to grant. If the existing table lacks a column, the error names the column, since every row of a load
    /// would be refused.
    pub async fn ensure_table(&self) -> Result<Ensured, Error> {
        match self.table().await {
            Ok(table) => {
                self.fits(&table)?;
                return Ok(Ensured::default());
            }
            Err(error) if error.has_reason(&Reason::NotFound) => {}
            Err(error) => return Err(self.advise(error, "read")),
        }
        match self.make_table().await {
            Err(error) if error.has_reason(&Reason::NotFound) => Ok(Ensured {
                dataset_made: self.make_dataset().await?,
                table_made: self.make_table().await.map_err(|error| self.advise(error, "make"))?,
            }),
            made => Ok(Ensured {
                dataset_made: false,
                table_made: made.map_err(|error| self.advise(error, "make"))?,
            }),
        }
    }

    async fn table(&self) -> Result<Table, Error> {
        let config = &self.shared.config;
        let tables = self.connection().await?.client.table();
        self.bounded(tables.get(&config.project, &config.dataset, &config.table, None)).await
    }

    async fn make_table(&self) -> Result<bool, Error> {
        let config = &self.shared.config;
        let schema = TableSchema::new(columns()?);
        let table = Table::new(&config.project, &config.dataset, &config.table, schema)
            .time_partitioning(TimePartitioning::per_day().field("createdAt"))
            .clustering(Clustering { fields: Some(vec!["eventType".into()]) });
        let tables = self.connection().await?.client.table();
        made(self.bounded(tables.create(table)).await)
    }

    async fn make_dataset(&self) -> Result<bool, Error> {
        let config = &self.shared.config;
        let mut dataset = Dataset::new(&config.project, &config.dataset);
        dataset.location.clone_from(&config.location);
        let datasets = self.connection().await?.client.dataset();
        made(self.bounded(datasets.create(dataset)).await).map_err(|error| {
            let (project, dataset) = (&config.project, &config.dataset);
            missing_right(
                error,
                format!(
                    "Grant the service account roles/bigquery.dataEditor on the project \
                     {project}, or make the dataset {dataset} with Terraform."
                ),
            )
        })
    }

    fn advise(&self, error: Error, verb: &str) -> Error {
        let config = &self.shared.config;
        let advice = format!(
            "To {verb} the table {}, grant the service account roles/bigquery.dataEditor on the \
             dataset {}:{}.",
            config.table, config.project, config.dataset
        );
        missing_right(error, advice)
    }

    fn fits(&self, table: &Table) -> Result<(), Error> {
        let there = table.schema.fields.as_deref().unwrap_or_default();
        let columns: Vec<_> = columns()?.iter().filter_map(|column| misfit(column, there)).collect();
        if columns.is_empty() {
            return Ok(());
        }
        let config = &self.shared.config;
        Err(Error::Schema {
            table: format!("{}.{}.{}", config.project, config.dataset, config.table),
            columns,
        })
    }
}

/// True if this call made it. Another process may make it at the same moment, which is no error.
fn made<T>(answer: Result<T, Error>) -> Result<bool, Error> {
    match answer {
        Ok(_) => Ok(true),
        Err(Error::Refused { status: 409, .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn missing_right(error: Error, advice: String) -> Error {
    match error {
        Error::Refused { reason: Reason::Access, message, .. } => Error::MissingRight { message, advice },
        other => other,
    }
}

fn columns() -> Result<Vec<TableFieldSchema>, crate::Error> {
    serde_json::from_str(SCHEMA)
        .map_err(|error| crate::Error::Config(format!("the schema of the table: {error}")))
}

fn misfit(column: &TableFieldSchema, there: &[TableFieldSchema]) -> Option<String> {
    let name = &column.name;
    let Some(found) = there.iter().find(|field| field.name == *name) else {
        return Some(format!("{name} is missing"));
    };
    let (wanted, is) = (&column.r#type, &found.r#type);
    (std::mem::discriminant(wanted) != std::mem::discriminant(is))
        .then(|| format!("{name} is {is:?}, not {wanted:?}"))
}
