//! The end of a list of operations: the faults stop, all events end, and the books are balanced.

use std::time::Duration;

use sqlx::Row;
use tokio::time::sleep;

use crate::stage::Ending;
use crate::system::System;

/// An event may still have all its retries and its lost attempts ahead.
const ROUNDS: usize = 10;
/// An open transaction of another client on this server holds a flush back, so many flushes are allowed.
const FLUSHES: usize = 1_000;

impl System {
    pub(crate) async fn come_to_rest(&mut self) -> Result<(), String> {
        while !self.held.is_empty() {
            self.release(0, Ending::Success, true).await?;
        }
        for _ in 0..ROUNDS {
            if self.unfinished().await == 0 {
                break;
            }
            self.pass(3_600).await;
            self.relay(0).await?;
            self.mail.collect().await;
            for _ in 0..self.mail.copies.len() {
                self.push(0, 0, Ending::Success, true).await?;
            }
            self.nothing_falls(None).await?;
        }
        for _ in 0..self.mail.dead_letters.len() {
            self.dead_letter(0, 1, true).await?;
        }
        self.nothing_falls(None).await?;
        match self.unfinished().await {
            0 => {}
            unfinished => return Err(format!("{unfinished} events have no way to the end")),
        }
        self.load_everything().await?;
        self.balance().await
    }

    async fn unfinished(&mut self) -> i64 {
        self.sql("SELECT count(*) FROM live").await[0].get(0)
    }

    async fn load_everything(&mut self) -> Result<(), String> {
        self.pass(3_600).await;
        for _ in 0..FLUSHES {
            let told = self.flush().await?;
            if told["busy"] == false && told["unloadedRows"] == 0 {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err("what is stored is not loaded".into())
    }
}
