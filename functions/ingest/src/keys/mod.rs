//! API keys: the keys that exist, the key that a request presents, and what its sender may do.

mod known;
pub(crate) mod presented;
mod ring;
mod sender;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use service::Problem;

pub use ring::KeyRing;
pub(crate) use sender::Sender;

impl KeyRing {
    /// Puts the check before the existing routes. A handler finds the [`Sender`] in the request.
    pub(crate) fn guard<S: Clone + Send + Sync + 'static>(self, router: Router<S>) -> Router<S> {
        router.route_layer(from_fn_with_state(self, pass))
    }
}

async fn pass(State(ring): State<KeyRing>, mut request: Request, next: Next) -> Result<Response, Problem> {
    let key = presented::key(request.headers())?;
    let sender = Sender::of(ring.find(&key).await?);
    sender.charge()?;
    request.extensions_mut().insert(sender.clone());
    let mut response = next.run(request).await;
    sender.tell(response.headers_mut());
    Ok(response)
}
