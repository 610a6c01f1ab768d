//! The check of callers. Each service has such a door before its routes, and a caller that is refused there is refused
//! before a byte of the body is read.

mod api_key;
mod base62;
pub mod openapi;
mod settings;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use gcp::{Caller, Iap, Identity, Refusal};
use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue, StatusCode};
use service::Problem;

pub use api_key::{ApiKey, Malformed, Unrevealed};
pub use settings::{Callers, emails, identity};

#[derive(Clone)]
pub struct Door(Arc<Kind>);

enum Kind {
    Open,
    Closed(&'static str),
    Google { identity: Identity, accounts: Vec<String> },
    AnyGoogle(Identity),
    Iap(Iap),
}

impl Door {
    /// Admits every caller that can reach the port.
    pub fn open() -> Self {
        Self(Arc::new(Kind::Open))
    }

    /// Admits no caller, for the given reason.
    pub fn closed(why: &'static str) -> Self {
        Self(Arc::new(Kind::Closed(why)))
    }

    /// Admits these Google accounts.
    pub fn google(identity: Identity, accounts: Vec<String>) -> Self {
        Self(Arc::new(Kind::Google { identity, accounts }))
    }

    /// Admits every Google account with a token for this service. Every Google account can get such a token, so another
    /// check must have selected the callers: Cloud Run's invoker check.
    pub fn any_google(identity: Identity) -> Self {
        Self(Arc::new(Kind::AnyGoogle(identity)))
    }

    /// Admits the callers that Identity-Aware Proxy has let in.
    pub fn iap(iap: Iap) -> Self {
        Self(Arc::new(Kind::Iap(iap)))
    }

    /// Puts the door before the routes that the router has now. A handler finds the [`Caller`] among the request's
    /// extensions.
    pub fn guard<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        router.route_layer(from_fn_with_state(self, pass))
    }

    async fn check(&self, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
        let caller = match &*self.0 {
            Kind::Open => return Ok(None),
            Kind::Closed(why) => return Err(refused(StatusCode::UNAUTHORIZED, *why)),
            Kind::Google { identity, accounts } => identity.check(headers, accounts).await,
            Kind::AnyGoogle(identity) => identity.caller(headers).await,
            Kind::Iap(iap) => iap.caller(headers).await,
        };
        caller.map(Some).map_err(|refusal: Refusal| refused(refusal.status(), refusal.to_string()))
    }
}

async fn pass(State(door): State<Door>, mut request: Request, next: Next) -> Result<Response, Problem> {
    if let Some(caller) = door.check(request.headers()).await? {
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

fn refused(status: StatusCode, why: impl Into<String>) -> Problem {
    let problem = Problem::new(status, why);
    match status {
        StatusCode::UNAUTHORIZED => problem.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        _ => problem,
    }
}
