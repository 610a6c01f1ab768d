use std::time::Duration;

use uuid::Uuid;

use crate::{Error, Store};

/// The lease of the flusher. One flusher works at a time, and a statement that only the flusher may run names its
/// lease.
#[derive(Clone, Copy, Debug)]
pub struct FlusherLease {
    pub holder: Uuid,
    pub lasts: Duration,
}

impl Store {
    /// Takes the flusher's lease or renews it. False while another process holds it.
    pub async fn hold_flusher_lease(&self, lease: FlusherLease) -> Result<bool, Error> {
        self.run(move |pool| async move {
            let held = sqlx::query!(
                "INSERT INTO leases (name, holder, until)
                 VALUES ('loads', $1, clock_timestamp() + $2::float8 * interval '1 second')
                 ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
                  WHERE leases.holder = excluded.holder OR leases.until <= clock_timestamp()",
                lease.holder,
                lease.lasts.as_secs_f64(),
            )
            .execute(&pool)
            .await?;
            Ok(held.rows_affected() == 1)
        })
        .await
    }

    /// Renews the lease, and never takes it. Work that still runs after its flush has released the lease must not take
    /// it again.
    pub async fn renew_flusher_lease(&self, lease: FlusherLease) -> Result<bool, Error> {
        self.run(move |pool| async move {
            let renewed = sqlx::query!(
                "UPDATE leases SET until = clock_timestamp() + $2::float8 * interval '1 second'
                  WHERE name = 'loads' AND holder = $1",
                lease.holder,
                lease.lasts.as_secs_f64(),
            )
            .execute(&pool)
            .await?;
            Ok(renewed.rows_affected() == 1)
        })
        .await
    }

    pub async fn release_flusher_lease(&self, lease: FlusherLease) -> Result<(), Error> {
        self.run(move |pool| async move {
            sqlx::query!("DELETE FROM leases WHERE name = 'loads' AND holder = $1", lease.holder)
                .execute(&pool)
                .await?;
            Ok(())
        })
        .await
    }
}
