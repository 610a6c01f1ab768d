use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use door::openapi::Refusals;
use serde::Serialize;
use service::{Problem, Segment};
use store::UnreadableBody;
use utoipa::ToSchema;

use super::Message;
use crate::openapi::Invalid;
use crate::{Admin, refusal};

#[derive(Serialize, ToSchema)]
#[schema(as = UnreadableMessageWithBody)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Whole {
    #[serde(flatten)]
    message: Message,
    /// The body, if it is text in UTF-8.
    #[schema(required = true)]
    body: Option<String>,
    /// The body, if it is not text.
    #[schema(required = true)]
    body_base64: Option<String>,
    /// `body` or `bodyBase64` is only the first mebibyte of the body.
    body_truncated: bool,
}

/// Get a push that was not an event of this service, with its body
#[utoipa::path(
    get,
    path = "/admin/unreadable/{id}",
    operation_id = "getUnreadable",
    tag = "unreadable",
    params(("id" = i64, Path, minimum = 1)),
    responses(
        Invalid,
        Refusals,
        (status = 200, body = Whole, description = "The push as it was received", example = json!({
            "id": 7,
            "receivedAt": "2026-01-31T12:00:00.000Z",
            "subscription": null,
            "messageId": "8",
            "reason": "the data is not an event id: invalid character: found `h` at 0",
            "bodyBytes": 47,
            "body": r#"{"message":{"data":"aGVsbG8=","messageId":"8"}}"#,
            "bodyBase64": null,
            "bodyTruncated": false
        })),
        (status = 404, description = "There is no such message"),
    ),
)]
pub(crate) async fn get(State(admin): State<Admin>, Segment(id): Segment) -> Result<Json<Whole>, Problem> {
    let id = refusal::number(&id)?;
    let found = admin.store.unreadable_message(id).await.map_err(refusal::of_store)?;
    let no_message = || Problem::new(StatusCode::NOT_FOUND, format!("there is no unreadable message {id}"));
    let (message, UnreadableBody(body)) = found.ok_or_else(no_message)?;
    let message = Message::from(message);
    let body_truncated = i32::try_from(body.len()).is_ok_and(|length| length < message.body_bytes);
    let (body, body_base64) = shown(body, body_truncated);
    Ok(Json(Whole { message, body, body_base64, body_truncated }))
}

/// Returns the body as text, or otherwise in Base64.
fn shown(body: Vec<u8>, is_truncated: bool) -> (Option<String>, Option<String>) {
    match String::from_utf8(body) {
        Ok(text) => (Some(text), None),
        Err(error) => {
            let end = error.utf8_error();
            let mut body = error.into_bytes();
            // The cut may have split a character.
            if is_truncated && end.error_len().is_none() {
                body.truncate(end.valid_up_to());
                return shown(body, false);
            }
            (None, Some(BASE64_STANDARD.encode(body)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_where_it_can_be() {
        let text = |text: &str| (Some(text.to_owned()), None);
        assert_eq!(shown(Vec::new(), false), text(""));
        assert_eq!(shown("é".into(), false), text("é"));
        assert_eq!(shown(b"a\xc3".to_vec(), true), text("a"), "the rest of the character was cut off");
        assert_eq!(shown(b"a\xc3".to_vec(), false), (None, Some("YcM=".into())));
        assert_eq!(shown(b"\xffa\xc3".to_vec(), true), (None, Some("/2HD".into())));
    }
}
