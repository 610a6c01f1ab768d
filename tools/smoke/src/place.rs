use std::env;
use std::time::Duration;

use google_cloud_auth::credentials::Builder;
use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::Error;

/// The addresses of the deployment, and the credentials for it.
pub(crate) struct Place {
    pub(crate) ingest: String,
    pub(crate) admin: String,
    pub(crate) process_push: String,
    pub(crate) bq_flush: String,
    /// The API key, if ingest requires one.
    key: Option<String>,
    client: Client,
    project: String,
    kind: Kind,
}

enum Kind {
    /// The issuer of the laptop makes the tokens.
    Laptop { issuer: String, bigquery: String },
    /// The tokens are given. The flush runs as a job of Cloud Scheduler, because bq-flush is closed to the internet.
    Cloud { region: String, ingest_token: Option<String>, admin_token: Option<String> },
}

/// The time that an event may take, including Cloud Scheduler and a cold start.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);
const CALL: Duration = Duration::from_secs(30);

impl Place {
    pub(crate) fn of_environment() -> Result<Self, Error> {
        let ingest = var("URL").or_else(|| var("INGEST_URL")).unwrap_or_else(|| local("INGEST_PORT", 8080));
        let is_cloud = ingest.starts_with("https://");
        let url = |name: &str, port: &str, default| match var(name) {
            Some(url) => Ok(url),
            None if is_cloud => Err(format!("{name} is not set")),
            None => Ok(local(port, default)),
        };
        let kind = if is_cloud {
            Kind::Cloud {
                region: var("CLOUDSDK_RUN_REGION").ok_or("CLOUDSDK_RUN_REGION is not set")?,
                ingest_token: var("INGEST_TOKEN"),
                admin_token: var("ADMIN_TOKEN"),
            }
        } else {
            Kind::Laptop { issuer: local("OIDC_PORT", 8086), bigquery: local("BIGQUERY_PORT", 9050) }
        };
        let project = var("GOOGLE_CLOUD_PROJECT").or_else(|| var("GCP_PROJECT_ID"));
        let project = match project {
            Some(project) => project,
            None if is_cloud => return Err("GOOGLE_CLOUD_PROJECT is not set".into()),
            None => "eventflow-local".into(),
        };
        Ok(Self {
            admin: url("ADMIN_URL", "ADMIN_PORT", 8082)?,
            process_push: url("PROCESS_PUSH_URL", "PROCESS_PUSH_PORT", 8081)?,
            bq_flush: url("BQ_FLUSH_URL", "BQ_FLUSH_PORT", 8083)?,
            ingest,
            key: var("INGEST_KEY"),
            client: Client::builder().timeout(CALL).build()?,
            project,
            kind,
        })
    }

    pub(crate) fn is_laptop(&self) -> bool {
        matches!(self.kind, Kind::Laptop { .. })
    }

    /// Returns the status of a request without credentials.
    pub(crate) async fn anonymous(&self, method: Method, url: String) -> Result<StatusCode, Error> {
        Ok(self.client.request(method, url).send().await?.status())
    }

    pub(crate) async fn to_ingest(&self, body: &Value) -> Result<Value, Error> {
        let request = self.client.post(format!("{}/events", self.ingest)).json(body);
        answer(with(request, self.ingest_token().await?)).await
    }

    pub(crate) async fn to_admin(&self, method: Method, path: &str) -> Result<Value, Error> {
        let request = self.client.request(method, format!("{}{path}", self.admin));
        answer(with(request, self.admin_token().await?)).await
    }

    pub(crate) async fn give_admin(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let request = self.client.post(format!("{}{path}", self.admin)).json(body);
        answer(with(request, self.admin_token().await?)).await
    }

    /// Tells whether ingest requires an API key and none was given.
    pub(crate) async fn lacks_key(&self) -> Result<bool, Error> {
        let stranger = self.client.post(format!("{}/events", self.ingest)).json(&json!({})).send().await?;
        let challenge = stranger.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
        Ok(self.key.is_none() && challenge.is_some_and(|challenge| challenge.contains("realm=\"eventflow\"")))
    }

    /// Tells whether the key is no longer accepted.
    pub(crate) async fn is_refused(&self) -> Result<bool, Error> {
        let request = self.client.post(format!("{}/events", self.ingest)).json(&json!({}));
        let response = with(request, self.key.clone()).send().await?;
        Ok(response.status() == StatusCode::UNAUTHORIZED)
    }

    /// Sets the API key that ingest gets from now on.
    pub(crate) fn take_key(&mut self, key: String) {
        self.key = Some(key);
    }

    async fn ingest_token(&self) -> Result<Option<String>, Error> {
        if self.key.is_some() {
            return Ok(self.key.clone());
        }
        match &self.kind {
            Kind::Laptop { .. } => Ok(Some(self.issued("smoke", &self.ingest).await?)),
            Kind::Cloud { ingest_token, .. } => Ok(ingest_token.clone()),
        }
    }

    async fn admin_token(&self) -> Result<Option<String>, Error> {
        match &self.kind {
            Kind::Laptop { .. } => Ok(Some(self.issued("smoke", &self.admin).await?)),
            Kind::Cloud { admin_token, .. } => Ok(admin_token.clone()),
        }
    }

    /// Gets a token from the laptop's issuer.
    async fn issued(&self, account: &str, audience: &str) -> Result<String, Error> {
        let Kind::Laptop { issuer, .. } = &self.kind else {
            return Err("there is no such issuer here".into());
        };
        let email = format!("{account}@{}.iam.gserviceaccount.com", self.project);
        let wish = json!({ "email": email, "audience": audience });
        let answer = answer(self.client.post(format!("{issuer}/token")).json(&wish)).await?;
        Ok(answer["token"].as_str().ok_or("the issuer gave no token")?.to_owned())
    }

    pub(crate) async fn flush(&self) -> Result<(), Error> {
        let request = match &self.kind {
            Kind::Laptop { .. } => {
                let token = self.issued("scheduler", &self.bq_flush).await?;
                self.client.post(format!("{}/flush", self.bq_flush)).bearer_auth(token)
            }
            Kind::Cloud { region, .. } => {
                let jobs = "https://cloudscheduler.googleapis.com/v1";
                let name = deployment();
                let job = format!("projects/{}/locations/{region}/jobs/{name}-flush", self.project);
                let request = self.client.post(format!("{jobs}/{job}:run")).json(&json!({}));
                request.bearer_auth(access_token().await?)
            }
        };
        answer(request).await.map(drop)
    }

    /// Returns the number of rows in BigQuery with this id.
    pub(crate) async fn rows_of(&self, id: &str) -> Result<usize, Error> {
        let dataset = var("BIGQUERY_DATASET_ID").unwrap_or_else(|| deployment().replace('-', "_"));
        let table = var("BIGQUERY_TABLE_ID").unwrap_or_else(|| "events".into());
        let project = var("BIGQUERY_PROJECT_ID").unwrap_or_else(|| self.project.clone());
        match &self.kind {
            Kind::Laptop { bigquery, .. } => {
                let tables = format!("{bigquery}/bigquery/v2/projects/{project}/datasets/{dataset}/tables");
                self.rows_in(&format!("{tables}/{table}/data"), id).await
            }
            Kind::Cloud { .. } => {
                let query = format!("SELECT COUNT(*) FROM `{project}.{dataset}.{table}` WHERE id = '{id}'");
                let url = format!("https://bigquery.googleapis.com/bigquery/v2/projects/{project}/queries");
                let wish = json!({ "query": query, "useLegacySql": false });
                let request = self.client.post(url).json(&wish).bearer_auth(access_token().await?);
                let answer = answer(request).await?;
                let count = answer["rows"][0]["f"][0]["v"].as_str().ok_or("the count is not there yet")?;
                Ok(count.parse()?)
            }
        }
    }

    /// The stand-in answers no queries, so all rows are read.
    async fn rows_in(&self, data: &str, id: &str) -> Result<usize, Error> {
        let (mut rows, mut token) = (0, None::<String>);
        loop {
            let page = token.take().map_or_else(String::new, |token| format!("&pageToken={token}"));
            let answer = answer(self.client.get(format!("{data}?maxResults=10000{page}"))).await?;
            let found = answer["rows"].as_array().map_or(&[][..], Vec::as_slice);
            rows += found.iter().filter(|row| row["f"][0]["v"] == *id).count();
            match answer["pageToken"].as_str() {
                Some(next) => token = Some(next.to_owned()),
                None => return Ok(rows),
            }
        }
    }
}

fn with(request: RequestBuilder, token: Option<String>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

async fn answer(request: RequestBuilder) -> Result<Value, Error> {
    let response = request.send().await?;
    let (status, text) = (response.status(), response.text().await?);
    if !status.is_success() {
        let shown: String = text.chars().take(300).collect();
        return Err(format!("{status}: {shown}").into());
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A token that is given, so that who tries a deployment needs no credentials; else one of the credentials that are found.
async fn access_token() -> Result<String, Error> {
    if let Some(token) = var("GOOGLE_OAUTH_ACCESS_TOKEN") {
        return Ok(token);
    }
    Ok(Builder::default().build_access_token_credentials()?.access_token().await?.token)
}

fn var(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The beginning of the names of a deployment. In that of a dataset there is no hyphen.
fn deployment() -> String {
    var("EVENTFLOW_NAME").unwrap_or_else(|| "eventflow".into())
}

fn local(port: &str, default: u16) -> String {
    format!("http://localhost:{}", var(port).unwrap_or_else(|| default.to_string()))
}
