use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::{Account, Memory};
use crate::{BODY_DEADLINE, Problem, read_body};

impl Memory {
    /// Has bodies of at most so many bytes read before a handler is called, within the budget, the deadline and the rate, whatever
    /// the handler takes them with. [`Memory::guard`] stands before it.
    pub fn buffer<S: Clone + Send + Sync + 'static>(router: Router<S>, limit: usize) -> Router<S> {
        router.route_layer(from_fn_with_state((limit, BODY_DEADLINE), read))
    }
}

async fn read(
    State((limit, deadline)): State<(usize, Duration)>,
    account: Account,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = read_body(body, limit, deadline, &account).await?;
    Ok(next.run(Request::from_parts(parts, Body::from(body))).await)
}
