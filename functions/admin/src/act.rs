use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use service::{Problem, RequestContext, client_address};
use store::Act;

use crate::role::Actor;

/// The actor and the request of a change, as the audit log records them.
pub(crate) struct Acting(pub(crate) Act);

impl<S: Send + Sync> FromRequestParts<S> for Acting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(context) = RequestContext::from_request_parts(parts, state).await;
        let actor = parts.extensions.get::<Actor>();
        let actor =
            actor.ok_or_else(|| Problem::internal("a change is asked for past the check of roles"))?;
        Ok(Self(Act {
            actor: actor.name.clone(),
            role: actor.role.to_string(),
            address: client_address(&parts.extensions, &parts.headers).map(|address| address.to_string()),
            request_id: Some(context.request_id),
        }))
    }
}
