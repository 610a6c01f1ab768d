use axum::Json;
use axum::extract::State;
use door::openapi::Refusals;
use serde::{Deserialize, Serialize};
use service::{Problem, Query};
use store::{Period, Position, UnreadableMessage};
use utoipa::{IntoParams, ToSchema};

use super::Message;
use crate::openapi::Invalid;
use crate::{Admin, page, refusal};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// From this time on
    #[param(format = DateTime)]
    since: Option<String>,
    /// Before this time
    #[param(format = DateTime)]
    until: Option<String>,
    /// The `nextCursor` of the previous page
    #[param(pattern = "^[0-9]{1,17}-[0-9]{1,18}$")]
    cursor: Option<String>,
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = UnreadablePage)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    messages: Vec<Message>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

impl Search {
    /// Returns the period, and the number of messages in a page.
    pub(crate) fn asked(&self) -> Result<(Period, u32), Problem> {
        let limit = page::limit(self.limit.as_deref())?;
        let period = page::period(self.since.as_deref(), self.until.as_deref(), self.cursor.as_deref())?;
        Ok((period, limit))
    }
}

/// List the pushes that were not events of this service, newest first
///
/// They were acknowledged, because Pub/Sub would only deliver them again, and are stored as long as events are.
#[utoipa::path(
    get,
    path = "/admin/unreadable",
    operation_id = "listUnreadable",
    tag = "unreadable",
    params(Search),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Page, description = "A page of messages", example = json!({
            "messages": [{
                "id": 7,
                "receivedAt": "2026-01-31T12:00:00.000Z",
                "subscription": null,
                "messageId": "8",
                "reason": "the data is not an event id: invalid character: found `h` at 0",
                "bodyBytes": 47
            }],
            "nextCursor": null
        })),
    ),
)]
pub(crate) async fn get(
    State(admin): State<Admin>,
    Query(search): Query<Search>,
) -> Result<Json<Page>, Problem> {
    let (period, limit) = search.asked()?;
    let messages = admin.store.unreadable_page(period, i64::from(limit) + 1).await;
    let (messages, next_cursor) = page::of(messages.map_err(refusal::of_store)?, limit, position);
    Ok(Json(Page { messages: messages.into_iter().map(Message::from).collect(), next_cursor }))
}

fn position(message: &UnreadableMessage) -> Position {
    Position { at: message.received_at, id: message.id }
}
