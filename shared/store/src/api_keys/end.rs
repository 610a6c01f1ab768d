use super::read::standing;
use crate::{Act, Error, Store};

impl Store {
    /// Revokes a key. False if there is no such key. A key that is already revoked stays as it is, and that call is not
    /// recorded.
    pub async fn revoke_key(&self, id: String, act: Act) -> Result<bool, Error> {
        self.run(move |pool| async move {
            let revoked = sqlx::query!(
                "WITH revoked AS (
                     UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id, name
                 ), noted AS (
                     INSERT INTO audit_log (actor, role, address, request_id, action, target, detail)
                     SELECT $2, $3, $4, $5, 'key.revoke', id, json_build_object('name', name) FROM revoked
                 )
                 SELECT id FROM revoked",
                id,
                act.actor,
                act.role,
                act.address,
                act.request_id
            )
            .fetch_optional(&pool)
            .await?;
            Ok(revoked.is_some() || standing(&pool, &id).await?.is_some())
        })
        .await
    }
}
