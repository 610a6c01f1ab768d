//! A resumable upload: <https://cloud.google.com/bigquery/docs/reference/api-uploads>.

use std::time::Duration;

use bytes::Bytes;
use gcp_bigquery_client::model::job::Job as Resource;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderMap, LOCATION, RANGE};
use reqwest::{RequestBuilder, Response, StatusCode};

use super::chunk::Chunk;
use super::connection::Connection;
use super::error::{Error, read_refusal};
use super::load::{Accepted, LoadError};
use super::reason::Reason;
use crate::error::with_causes;

/// The number of failures in a row after which another try is still made.
const SETBACKS: u32 = 4;
/// The pause after the first failure. It doubles with each further one.
const BACKOFF: Duration = Duration::from_millis(250);

/// An open upload. BigQuery identifies it by its URI alone.
pub(super) struct Session<'a> {
    connection: &'a Connection,
    uri: String,
}

pub(super) enum Opened<'a> {
    Session(Session<'a>),
    AlreadyThere,
}

pub(super) enum Progress {
    Continue,
    Accepted(Accepted),
}

enum Reply {
    Accepted(Accepted),
    /// BigQuery has the upload up to this byte.
    Persisted(u64),
    /// The request failed, and another try may succeed.
    Failed(LoadError),
}

impl<'a> Session<'a> {
    pub(super) async fn open(
        connection: &'a Connection,
        project: &str,
        job: &Resource,
    ) -> Result<Opened<'a>, LoadError> {
        let origin = &connection.origin;
        let url = format!("{origin}/upload/bigquery/v2/projects/{project}/jobs");
        let mut setbacks = Setbacks::default();
        loop {
            let request = connection
                .http
                .post(&url)
                .query(&[("uploadType", "resumable")])
                .header("X-Upload-Content-Type", "application/octet-stream")
                .json(job);
            match ask(connection, request).await? {
                Answer::Taken(response) => {
                    let uri = location(response.headers())?;
                    return Ok(Opened::Session(Self { connection, uri }));
                }
                Answer::AlreadyThere => return Ok(Opened::AlreadyThere),
                Answer::Refused(error) => return Err(error),
                Answer::Failed(error) => setbacks.take(error).await?,
            }
        }
    }

    /// Sends the chunk until BigQuery has all of it: after a failure it asks how far the upload
    /// has come and goes on from there, since what was sent twice would be there twice.
    pub(super) async fn send(&self, chunk: &Chunk) -> Result<Progress, LoadError> {
        let mut from = chunk.start;
        let mut asking = false;
        let mut setbacks = Setbacks::default();
        loop {
            let (range, body) = if asking { chunk.question() } else { chunk.rest(from) };
            match self.put(range, body).await? {
                Reply::Accepted(accepted) => return Ok(Progress::Accepted(accepted)),
                Reply::Failed(error) => {
                    // Once bytes have gone out, no status says that there is no job.
                    setbacks.take(unknown(error)).await?;
                    asking = true;
                }
                Reply::Persisted(to) if to == chunk.end() && !chunk.last => {
                    return Ok(Progress::Continue);
                }
                Reply::Persisted(to) if to < chunk.start || to > chunk.end() => {
                    let text = format!("BigQuery has {to} bytes of an upload at {from}");
                    return Err(LoadError::Unknown(text));
                }
                Reply::Persisted(to) => {
                    if to > from {
                        setbacks = Setbacks::default();
                    } else if !asking {
                        let text = "the upload does not get on".into();
                        setbacks.take(LoadError::Unknown(text)).await?;
                    }
                    from = to;
                    asking = false;
                }
            }
        }
    }

    async fn put(&self, range: String, body: Bytes) -> Result<Reply, LoadError> {
        let request = self
            .connection
            .http
            .put(&self.uri)
            .header(CONTENT_RANGE, range)
            .header(CONTENT_LENGTH, body.len())
            .body(body);
        match ask(self.connection, request).await? {
            Answer::Taken(response) if response.status() == StatusCode::PERMANENT_REDIRECT => {
                Ok(Reply::Persisted(persisted(response.headers())?))
            }
            Answer::Taken(_job) => Ok(Reply::Accepted(Accepted::Made)),
            Answer::AlreadyThere => Ok(Reply::Accepted(Accepted::AlreadyThere)),
            // The session is gone, and the answer does not say whether it ended in a job.
            Answer::Refused(error @ LoadError::Refused { status: 404 | 410, .. }) => Err(unknown(error)),
            Answer::Refused(error) => Err(error),
            Answer::Failed(error) => Ok(Reply::Failed(error)),
        }
    }
}

#[derive(Default)]
struct Setbacks(u32);

impl Setbacks {
    /// Pauses before the next try, or returns the error if no try is left.
    async fn take(&mut self, error: LoadError) -> Result<(), LoadError> {
        if self.0 == SETBACKS {
            return Err(error);
        }
        tokio::time::sleep(BACKOFF * 2_u32.pow(self.0)).await;
        self.0 += 1;
        Ok(())
    }
}

fn unknown(error: LoadError) -> LoadError {
    match error {
        LoadError::Unknown(text) => LoadError::Unknown(text),
        other => LoadError::Unknown(other.to_string()),
    }
}

/// The result of one request.
enum Answer {
    Taken(Response),
    AlreadyThere,
    Refused(LoadError),
    Failed(LoadError),
}

async fn ask(connection: &Connection, request: RequestBuilder) -> Result<Answer, LoadError> {
    let token = connection.bearer().await.map_err(Error::from)?;
    let response = match request.bearer_auth(token).send().await {
        Ok(response) => response,
        Err(error) => return Ok(Answer::Failed(LoadError::Unknown(with_causes(&error)))),
    };
    let status = response.status();
    if status.is_success() || status == StatusCode::PERMANENT_REDIRECT {
        return Ok(Answer::Taken(response));
    }
    let (reason, message) = match response.text().await {
        Ok(body) => read_refusal(status.as_u16(), &body),
        Err(error) => (Reason::from_status(status.as_u16()), with_causes(&error)),
    };
    let duplicate = reason == Reason::Other("duplicate".into());
    let refused = LoadError::Refused { status: status.as_u16(), reason, message };
    Ok(match status {
        StatusCode::CONFLICT if duplicate => Answer::AlreadyThere,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Answer::Failed(refused),
        status if status.is_server_error() => Answer::Failed(refused),
        _ => Answer::Refused(refused),
    })
}

fn location(headers: &HeaderMap) -> Result<String, LoadError> {
    headers
        .get(LOCATION)
        .and_then(|uri| uri.to_str().ok())
        .map(str::to_owned)
        .ok_or_else(|| LoadError::Unknown("an upload that opened without a URI".into()))
}

/// The number of bytes that have arrived. `Range: bytes=0-41` means 42 bytes, and a missing header means none.
fn persisted(headers: &HeaderMap) -> Result<u64, LoadError> {
    let Some(range) = headers.get(RANGE) else {
        return Ok(0);
    };
    let last = range.to_str().ok().and_then(|text| text.rsplit('-').next());
    last.and_then(|last| last.parse::<u64>().ok())
        .map(|last| last + 1)
        .ok_or_else(|| LoadError::Unknown(format!("an upload with the range {range:?}")))
}
