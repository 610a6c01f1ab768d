use super::*;

fn refusal(body: impl AsRef<[u8]>) -> Invalid {
    NewEvent::parse(body.as_ref()).unwrap_err()
}

#[test]
fn keeps_the_text_of_payload_and_metadata() {
    let payload = r#"{ "z": 12345678901234567890.10, "a": "é\u00e9", "z2": 1e2 }"#;
    let event =
        NewEvent::parse(format!(r#" {{"payload":{payload},"metadata":{{}},"eventType":"a"}} "#).as_bytes())
            .unwrap();
    assert_eq!(event.payload.get(), payload);
    assert_eq!(event.metadata.unwrap().get(), "{}");
    assert_eq!(event.event_type.as_str(), "a");
}

#[test]
fn a_type_may_have_a_hundred_characters_whatever_their_bytes() {
    let body = |n: usize| format!(r#"{{"eventType":"{}","payload":{{}}}}"#, "é".repeat(n));
    assert!(NewEvent::parse(body(100).as_bytes()).is_ok());
    assert_eq!(refusal(body(101)).detail, "eventType must have at most 100 characters, has 101");
}

#[test]
fn names_the_field_at_fault() {
    for (body, field, detail) in [
        (r#"{"payload":{}}"#, "eventType", "eventType is required"),
        (r#"{"eventType":"","payload":{}}"#, "eventType", "eventType must not be empty"),
        (r#"{"eventType":7,"payload":{}}"#, "eventType", "eventType must be a string, is a number"),
        (r#"{"eventType":null,"payload":{}}"#, "eventType", "eventType must be a string, is null"),
        (r#"{"eventType":"a"}"#, "payload", "payload is required"),
        (r#"{"eventType":"a","payload":null}"#, "payload", "payload must be an object, is null"),
        (r#"{"eventType":"a","payload":[]}"#, "payload", "payload must be an object, is an array"),
        (
            r#"{"eventType":"a","payload":{},"metadata":"x"}"#,
            "metadata",
            "metadata must be an object, is a string",
        ),
        (
            r#"{"eventType":"a","payload":{},"metadata":null}"#,
            "metadata",
            "metadata must be an object, is null",
        ),
        (
            r#"{"eventType":"a","payload":{},"idempotencyKey":7}"#,
            "idempotencyKey",
            "idempotencyKey must be a string, is a number",
        ),
        (
            r#"{"eventType":"\u0000","payload":{}}"#,
            "eventType",
            r"eventType must not contain a NUL character (\u0000) (byte 14)",
        ),
        (
            r#"{"eventType":"\ud800","payload":{}}"#,
            "eventType",
            "eventType must not contain half of a surrogate pair (byte 14)",
        ),
        (
            r#"{"eventType":"a","payload":{"k":["\u0000"]}}"#,
            "payload",
            r"payload must not contain a NUL character (\u0000) (byte 34)",
        ),
    ] {
        let refusal = refusal(body);
        assert_eq!((refusal.field.as_deref(), refusal.to_string().as_str()), (Some(field), detail), "{body}");
    }
}

#[test]
fn names_the_byte_at_fault() {
    for (body, byte) in [
        (&b""[..], 0),
        (b"  \n ", 0),
        (b"[]", 0),
        (b" \"x\"", 1),
        (b"{\"eventType\":\"a\",\"payload\":{}} x", 31),
        (b"{\"eventType\":\"\xff\"}", 14),
        (b"{\n\"eventType\": nope}", 16),
        (b"{\"eventType\":\"a\",\"payload\":{}", 28),
    ] {
        assert_eq!(refusal(body).byte, Some(byte), "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn a_field_given_twice_is_refused_by_name() {
    let refusal = refusal(r#"{"eventType":"a","eventType":"b","payload":{}}"#);
    assert_eq!(refusal.field.as_deref(), Some("eventType"));
    assert!(refusal.detail.contains("duplicate field"), "{refusal}");
}

#[test]
fn an_unknown_field_is_refused_since_it_would_be_lost() {
    let refusal = refusal(r#"{"eventType":"a","payload":{},"metdata":{}}"#);
    assert!(refusal.detail.contains("unknown field `metdata`"), "{refusal}");
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    let nested =
        |n: usize| format!(r#"{{"eventType":"a","payload":{}1{}}}"#, r#"{"a":"#.repeat(n), "}".repeat(n));
    assert!(NewEvent::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    for depth in [MAX_DEPTH + 1, 200_000] {
        let refusal = refusal(nested(depth));
        assert_eq!(refusal.field.as_deref(), Some("payload"));
        assert!(refusal.detail.starts_with("payload must be nested at most 100 levels deep"));
    }
    for body in ["[".repeat(200_000), r#"{"eventType":"#.to_owned() + &"[".repeat(200_000)] {
        refusal(body);
    }
}
