//! The roles of callers, and the role that each route requires.

use std::fmt;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use gcp::Caller;
use service::{Env, Noted, Problem};

/// Each role may do what the roles before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Viewer,
    Operator,
    Owner,
}

/// The role that a route requires. For routes that are not named here, a viewer may read and an owner may change.
fn needed(method: &Method, path: &str) -> Role {
    match (method.as_str(), path) {
        (_, "/admin/audit") => Role::Owner,
        ("GET" | "HEAD", "/admin/keys" | "/admin/keys/{id}")
        | ("POST", "/admin/events/{id}/replay" | "/admin/rejects/retry") => Role::Operator,
        ("GET" | "HEAD", _) => Role::Viewer,
        _ => Role::Owner,
    }
}

/// The roles of the named accounts. If no account is named, every caller that the door admits is an owner, because the
/// selection was made elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    owners: Vec<String>,
    operators: Vec<String>,
    viewers: Vec<String>,
}

/// The caller of a request, for the handlers that follow.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// The name of a caller if the door is open to everybody.
const NOBODY_KNOWN: &str = "anonymous";

impl Roles {
    pub fn read(env: &mut Env) -> Result<Self, Noted> {
        let accounts = door::emails(env, "ADMIN_ACCOUNTS");
        let owners = door::emails(env, "ADMIN_OWNERS");
        let operators = door::emails(env, "ADMIN_OPERATORS");
        let viewers = door::emails(env, "ADMIN_VIEWERS");
        Ok(Self { owners: [accounts?, owners?].concat(), operators: operators?, viewers: viewers? })
    }

    /// Returns all named accounts.
    pub fn emails(&self) -> Vec<String> {
        [&self.owners[..], &self.operators, &self.viewers].concat()
    }

    /// If an account has several roles, the highest one counts.
    fn of(&self, email: &str) -> Option<Role> {
        let lists =
            [(&self.owners, Role::Owner), (&self.operators, Role::Operator), (&self.viewers, Role::Viewer)];
        let is_free = lists.iter().all(|(emails, _)| emails.is_empty());
        let mut named = lists.iter().filter(|(emails, _)| emails.iter().any(|named| named == email));
        if is_free { Some(Role::Owner) } else { named.next().map(|(_, role)| *role) }
    }
}

/// Admits callers with the role that the route requires. The check comes after the door.
pub(crate) async fn check(
    State(roles): State<Roles>,
    path: MatchedPath,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let needed = needed(request.method(), path.as_str());
    let actor = match request.extensions().get::<Caller>() {
        None => Actor { name: NOBODY_KNOWN.into(), role: Role::Owner },
        Some(caller) => {
            let role = roles.of(&caller.email).filter(|role| *role >= needed);
            let role = role.ok_or_else(|| forbidden(&caller.email, needed))?;
            Actor { name: caller.email.clone(), role }
        }
    };
    request.extensions_mut().insert(actor);
    Ok(next.run(request).await)
}

fn forbidden(email: &str, needed: Role) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, format!("this takes the role {needed}, which {email} does not have"))
        .with("neededRole", needed.to_string())
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Owner => "owner",
        })
    }
}
