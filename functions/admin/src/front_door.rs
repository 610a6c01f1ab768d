use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header::WWW_AUTHENTICATE};
use axum::middleware::Next;
use axum::response::Response;
use service::Problem;

use crate::AdminAuth;

pub(crate) async fn check(State(auth): State<AdminAuth>, request: Request, next: Next) -> Result<Response, Problem> {
    let refusal = match auth {
        AdminAuth::Off => return Ok(next.run(request).await),
        AdminAuth::Google => "a Google identity with a role is required, and this version cannot give any yet",
        AdminAuth::Iap => "an identity from Identity-Aware Proxy is required, and this version cannot check any yet",
    };
    Err(Problem::new(StatusCode::UNAUTHORIZED, refusal).header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")))
}
