use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header::WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::Response;
use gcp::Identity;
use service::Problem;

/// One account that may come in.
#[derive(Clone)]
pub(crate) struct Only {
    identity: Identity,
    account: Arc<[String]>,
}

impl Only {
    pub(crate) fn new(identity: &Identity, account: String) -> Self {
        Self { identity: identity.clone(), account: [account].into() }
    }
}

/// Before a byte of the body is read.
pub(crate) async fn check(State(only): State<Only>, request: Request, next: Next) -> Result<Response, Problem> {
    match only.identity.check(request.headers(), &only.account).await {
        Ok(_) => Ok(next.run(request).await),
        Err(refusal) => Err(Problem::new(refusal.status(), refusal.to_string())
            .header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
    }
}
