#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use serde::Deserialize;

use super::super::value::MAX_MEMBERS;
use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Outer {
    inner: Vec<Inner>,
    raw: Option<Box<RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    n: u8,
}

fn refused(body: &[u8]) -> String {
    let problem = Problem::from(read_json::<Outer>(body).unwrap_err());
    assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
    let problem = serde_json::to_value(problem).unwrap();
    let place = |name: &str| problem.get(name).map(|place| format!(" {name} {place}")).unwrap_or_default();
    format!("{}{}{}", problem["detail"].as_str().unwrap(), place("field"), place("byte"))
}

#[test]
fn an_object_is_read_at_any_depth_and_text_is_kept_as_it_came() {
    let outer: Outer = read_json(br#" {"inner":[{"n":1},{"n":255}],"raw": {"b":1.50, "a":[]} } "#).unwrap();
    assert_eq!(outer.inner.iter().map(|inner| inner.n).collect::<Vec<_>>(), [1, 255]);
    assert_eq!(outer.raw.unwrap().get(), r#"{"b":1.50, "a":[]}"#);
    assert!(read_json::<Outer>(br#"{"inner":[],"raw":null}"#).unwrap().raw.is_none());
}

#[test]
fn what_is_refused_has_a_place_and_says_what_is_allowed() {
    for (body, told) in [
        (&b"[[],null]"[..], r#"the body must be an object, is an array field "" byte 0"#),
        (b"  null", r#"the body must be an object, is null field "" byte 2"#),
        (br#"{"inner":[[1]]}"#, r#"inner/0 must be an object, is an array field "/inner/0""#),
        (br#"{"inner":{}}"#, r#"inner must be an array, is an object field "/inner""#),
        (br#"{"inner":[{"n":-1}]}"#, r#"inner/0/n must be a whole number, is -1 field "/inner/0/n""#),
        (br#"{"inner":[{"n":"1"}]}"#, r#"inner/0/n must be a whole number, is a string field "/inner/0/n""#),
        (br#"{"inner":[{"n":1,"n":1}]}"#, r#"inner/0/n is given more than once field "/inner/0/n""#),
        (br#"{"inner":[],"in\u006eer":[]}"#, r#"inner is given more than once field "/inner""#),
        (br#"{"inner":[{"m":1}]}"#, r#"inner/0/m is not known here; there is n field "/inner/0/m""#),
        (br#"{"x/y":1}"#, r#"x~1y is not known here; there are inner, raw field "/x~1y""#),
        (b"{}", r#"inner is required field "/inner""#),
        (b"", "the body is empty; it must be a JSON object byte 0"),
        (b"{\n\"inner\":}", "the body must be a JSON object: expected value byte 10"),
        (b"{\"a\":\"\xff\"}", "the body must be UTF-8 byte 6"),
    ] {
        assert_eq!(refused(body), told, "{}", String::from_utf8_lossy(body));
    }
}

/// If members that nobody reads are allowed, a caller can send any, nested as deep as the body is long.
#[test]
fn what_nobody_reads_is_passed_over_whole() {
    #[derive(Debug, Deserialize)]
    struct Open {
        n: u8,
    }
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}0{}", open.repeat(200_000), close.repeat(200_000));
        let read: Open = read_json(format!(r#"{{"x":{deep},"n":7,"y":1e400}}"#).as_bytes()).unwrap();
        assert_eq!(read.n, 7);
    }
}

/// A body of megabytes can have hundreds of thousands of members, and each is held with its name.
#[test]
fn members_are_bounded_in_number() {
    let many = |count: usize| {
        let members: Vec<_> = (0..count).map(|at| format!(r#""{at}":"""#)).collect();
        read_json::<HashMap<String, String>>(format!("{{{}}}", members.join(",")).as_bytes())
    };
    assert_eq!(many(MAX_MEMBERS).unwrap().len(), MAX_MEMBERS);
    let refused = many(MAX_MEMBERS + 1).unwrap_err();
    assert_eq!(refused.to_string(), "the body must have at most 1000 members (byte 0)");
    let refused = read_json::<u8>(b"[1,2,3]").unwrap_err();
    assert_eq!(refused.to_string(), "the body must be a whole number, is an array (byte 0)");
}

#[test]
fn only_json_is_taken_for_json() {
    for (media, taken) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/json;charset=utf8", true),
        ("application/json; charset=us-ascii", true),
        ("application/problem+json", true),
        ("text/json", false),
        ("application/jsonx", false),
        ("", false),
    ] {
        let headers = [(CONTENT_TYPE, media.parse().unwrap())].into_iter().collect();
        assert_eq!(is_json(&headers), taken, "{media}");
    }
    assert!(is_absent(b" null\n") && is_absent(b"") && !is_absent(b"{}"));
}
