//! The description of a service: an `OpenAPI` document, and a page that shows it to people. Neither is behind a door.

mod every;
mod page;
mod problem;
mod whole;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::Problem;

const STYLE: &str = include_str!("describe/style.css");
/// The page loads its style from this service, and nothing from anywhere else.
const PAGE_LOADS: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Clone)]
struct Description {
    document: Bytes,
    page: Bytes,
}

/// The document, or the reason why there is none. A service works without it.
type Described = Result<Description, Arc<serde_json::Error>>;

/// Names of headers, and the components that describe them.
type Headers<'a> = &'a [(&'a str, &'a str)];

/// The parts that the operations of a service have in common.
pub struct Shared<'a> {
    /// Documents with the components that the operations refer to. If two define the same component, the first one
    /// counts.
    pub documents: Vec<Value>,
    /// The headers of each of their answers.
    pub headers: &'a [(&'a str, &'a str)],
}

/// Adds `/openapi.json` and `/docs`. The operations come from the code.
pub fn described(routes: Router, operations: &OpenApi, shared: Shared) -> Router {
    let described = Router::new()
        .route("/openapi.json", get(document))
        .route("/docs", get(page))
        .route("/docs/style.css", get(style))
        .with_state(describe(operations, shared).map_err(Arc::new));
    routes.merge(described)
}

fn describe(operations: &OpenApi, shared: Shared) -> Result<Description, serde_json::Error> {
    let document = whole::document(serde_json::to_value(operations)?, shared);
    Ok(Description { document: serde_json::to_vec(&document)?.into(), page: page::of(&document).into() })
}

async fn document(State(described): State<Described>) -> Result<impl IntoResponse, Problem> {
    let description = described.map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], description.document))
}

async fn page(State(described): State<Described>) -> Result<impl IntoResponse, Problem> {
    let description = described.map_err(Problem::internal)?;
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, PAGE_LOADS)];
    Ok((headers, description.page))
}

async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}
