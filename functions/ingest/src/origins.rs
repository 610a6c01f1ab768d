use std::str::FromStr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

/// The sites whose pages may send events from a browser, by CORS without credentials. If the list is empty, no site
/// may.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<[HeaderValue]>);

/// The longest time that browsers remember a preflight.
const MAX_AGE_SECONDS: u16 = 7200;

impl Origins {
    /// Adds the layer in front of the routes and of their door, because a preflight carries no key.
    pub fn around(self, router: Router) -> Router {
        if self.0.is_empty() {
            return router;
        }
        // A fallback that is added later would be in front of this layer.
        router
            .method_not_allowed_fallback(service::method_not_allowed)
            .layer(from_fn_with_state(self, answer))
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let origins = text.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

/// An origin must be written as a browser writes it, because it is compared byte for byte.
fn origin(text: &str) -> Result<HeaderValue, String> {
    let mistake = || format!("{text} is no origin such as https://app.example or http://localhost:3000");
    let uri = text.parse::<Uri>().map_err(|_| mistake())?;
    let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(mistake());
    };
    let host = authority.as_str();
    let is_exact = text == format!("{scheme}://{host}") && text == text.to_ascii_lowercase();
    if !is_exact || host.contains(['@', '*']) {
        return Err(mistake());
    }
    HeaderValue::from_str(text).map_err(|_| mistake())
}

async fn answer(State(Origins(origins)): State<Origins>, request: Request, next: Next) -> Response {
    let origin = request.headers().get(ORIGIN).filter(|origin| origins.contains(origin)).cloned();
    let mut response = match &origin {
        Some(_) if is_preflight(&request) => preflight(),
        _ => next.run(request).await,
    };
    // The answer to one origin must not be cached for another.
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response.headers_mut().insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
    }
    response
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Allows any header, because the extensions of a `CloudEvent` may have any name. `*` alone does not include
/// `authorization`.
fn preflight() -> Response {
    let headers = HeaderMap::from_iter([
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, *")),
        (ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_SECONDS)),
    ]);
    (StatusCode::NO_CONTENT, headers).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_exact() {
        let count = |text: &str| text.parse::<Origins>().map(|Origins(origins)| origins.len());
        assert_eq!(count(""), Ok(0));
        assert_eq!(count("https://a.example, http://localhost:3000,"), Ok(2));
        for text in [
            "*",
            "null",
            "a.example",
            "https://*.example",
            "https://A.example",
            "https://a.example/",
            "https://a.example/x",
            "https://u@a.example",
            "file:///x",
            "https://a.example b",
        ] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}
