//! `StreamingPull`, which the `subscribe` of Google's clients uses.
//!
//! The stand-in does not limit the outstanding messages, because the client counts them itself.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::subscriber::{acknowledge, modify_deadline, pull, pullable, received};
use crate::pubsub::{
    broker::Broker,
    limits::invalid,
    proto::{StreamingPullRequest, StreamingPullResponse},
    subscription::Subscription,
};

const BATCH: usize = 100;

type Answers = mpsc::Sender<Result<StreamingPullResponse, Status>>;

/// The first request names the subscription. Every request can acknowledge messages and extend deadlines.
pub(super) async fn open(
    broker: Arc<Broker>,
    mut requests: Streaming<StreamingPullRequest>,
) -> Result<ReceiverStream<Result<StreamingPullResponse, Status>>, Status> {
    let first = requests.message().await?.ok_or_else(|| invalid("the stream has no first request"))?;
    let subscription = pullable(&broker, &first.subscription)?;
    settle(&broker, &subscription, &first)?;
    let (answers, stream) = mpsc::channel(1);
    tokio::spawn(async move {
        if let Err(status) = run(&broker, &subscription, requests, &answers).await {
            // A client that has disconnected needs no error.
            let _ = answers.send(Err(status)).await;
        }
    });
    Ok(ReceiverStream::new(stream))
}

async fn run(
    broker: &Broker,
    subscription: &Subscription,
    mut requests: Streaming<StreamingPullRequest>,
    answers: &Answers,
) -> Result<(), Status> {
    loop {
        tokio::select! {
            request = requests.message() => match request? {
                Some(request) => settle(broker, subscription, &request)?,
                None => return Ok(()),
            },
            leases = pull(broker, subscription, BATCH) => {
                let received_messages = received(subscription, leases);
                let answer = StreamingPullResponse { received_messages, ..Default::default() };
                if answers.send(Ok(answer)).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

fn settle(
    broker: &Broker,
    subscription: &Subscription,
    request: &StreamingPullRequest,
) -> Result<(), Status> {
    acknowledge(broker, subscription, &request.ack_ids)?;
    let mut deadlines = request.modify_deadline_ack_ids.iter().zip(&request.modify_deadline_seconds);
    deadlines.try_for_each(|(id, seconds)| modify_deadline(broker, subscription, id, *seconds))
}
