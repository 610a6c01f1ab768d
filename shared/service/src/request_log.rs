use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request};
use http::{Method, StatusCode};

/// Nginx's status for a client that left before its answer, because no standard status means that.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// The log line of a request, which is also written if the client leaves before the answer.
pub(crate) struct RequestLog {
    method: Method,
    route: String,
    bytes_in: Option<u64>,
    start: Instant,
    status: u16,
}

impl RequestLog {
    pub(crate) fn start(request: &Request) -> Self {
        Self {
            method: request.method().clone(),
            // The route is logged and not the path or the query, which may hold private data.
            route: request
                .extensions()
                .get::<MatchedPath>()
                .map_or("(no route)", MatchedPath::as_str)
                .to_owned(),
            bytes_in: request.body().size_hint().exact(),
            start: Instant::now(),
            status: CLIENT_CLOSED_REQUEST,
        }
    }

    pub(crate) fn finish(mut self, status: StatusCode) {
        self.status = status.as_u16();
    }

    fn is_probe(&self) -> bool {
        matches!(self.route.as_str(), "/health" | "/ready")
    }
}

impl Drop for RequestLog {
    fn drop(&mut self) {
        let elapsed = self.start.elapsed();
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(
                    httpRequest.requestMethod = self.method.as_str(),
                    httpRequest.requestUrl = self.route,
                    httpRequest.requestSize = self.bytes_in,
                    httpRequest.status = self.status,
                    httpRequest.latency = format!("{:.6}s", elapsed.as_secs_f64()),
                    "{} {} {} in {:.1} ms",
                    self.method,
                    self.route,
                    self.status,
                    elapsed.as_secs_f64() * 1000.0
                )
            };
        }
        if self.is_probe() {
            line!(debug);
        } else {
            line!(info);
        }
    }
}
