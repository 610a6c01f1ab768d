//! The audit log, which records the actor of each change. Each change writes its row in its own statement or
//! transaction, so there is never one without the other.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use sqlx::types::Json;

use crate::{Error, Store};

/// The actor of a change, and the request that it came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    pub actor: String,
    pub role: String,
    pub address: Option<String>,
    pub request_id: Option<String>,
}

/// A recorded change.
#[derive(Debug)]
pub struct AuditEntry {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub role: String,
    pub action: String,
    pub target: Option<String>,
    pub detail: Option<Json<Box<RawValue>>>,
    pub address: Option<String>,
    pub request_id: Option<String>,
}

impl Act {
    /// The actor of a command at a terminal, which has the database's password and so all rights.
    pub fn terminal() -> Self {
        Self { actor: "terminal".into(), role: "owner".into(), address: None, request_id: None }
    }
}

impl Store {
    /// The changes before `before`, newest first.
    pub async fn audit_log(&self, before: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>, Error> {
        self.run(move |pool| async move {
            Ok(sqlx::query_as!(
                AuditEntry,
                r#"SELECT id, at, actor, role, action, target, detail AS "detail: Json<Box<RawValue>>", address, request_id
                     FROM audit_log WHERE id < $1 ORDER BY id DESC LIMIT $2"#,
                before.unwrap_or(i64::MAX),
                limit
            )
            .fetch_all(&pool)
            .await?)
        })
        .await
    }
}
