//! The whole path of an event, through every process, over real HTTP and gRPC.
#![allow(clippy::unwrap_used)]

mod calm;
mod dying;
mod faults;
mod loads;
mod system;
mod trace;

use system::System;

#[tokio::test(flavor = "multi_thread")]
async fn on_the_stand_in() {
    let system = System::start(&[]).await;
    Box::pin(calm::all(&system)).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_googles_emulator() {
    match System::try_start(&[("LOCAL_PUBSUB", "google")]).await {
        Ok(system) => {
            Box::pin(calm::all(&system)).await;
            system.stop().await;
        }
        Err(missing) => println!("not run: {missing}"),
    }
}
