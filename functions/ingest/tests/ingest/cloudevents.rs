use std::fmt::Write;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use serde_json::{Value, json};
use service::testing::{Answer, untouchable};
use store::Record;

use crate::batch::batch;
use crate::harness::Service;

const STRUCTURED: &str = "application/cloudevents+json";
const BATCHED: &str = "application/cloudevents-batch+json";

/// The required attributes of a CloudEvent, with these changes.
fn sample(changes: Value) -> Value {
    let mut sample = json!({
        "specversion": "1.0",
        "type": "com.example.someevent",
        "source": "/mycontext/subcontext",
        "id": "1234-1234-1234",
    });
    let Value::Object(changes) = changes else { panic!("an object") };
    sample.as_object_mut().unwrap().extend(changes);
    sample
}

fn post(content_type: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/events").header("content-type", content_type).body(body.into()).unwrap()
}

fn structured(event: &Value) -> Request<Body> {
    post(STRUCTURED, event.to_string())
}

fn binary(headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut all = HeaderMap::new();
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-type", "com.example.someevent"),
        ("ce-source", "/mycontext/subcontext"),
        ("ce-id", "1234-1234-1234"),
    ] {
        all.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    for (name, value) in headers {
        all.insert(name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let mut request = Request::post("/events").body(body.into()).unwrap();
    *request.headers_mut() = all;
    request
}

impl Service {
    async fn kept(&self, request: Request<Body>) -> Record {
        let answer = self.call(request).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        let id = answer.json()["eventId"].as_str().unwrap().parse().unwrap();
        self.database.store.record(id).await.unwrap().unwrap()
    }
}

fn payload(record: &Record) -> &str {
    record.payload.get()
}

fn metadata(record: &Record) -> &str {
    record.metadata.as_ref().unwrap().get()
}

/// The examples of the HTTP binding, and of the JSON format, section 3.2.
#[tokio::test]
async fn both_modes_keep_the_same_event() {
    let service = Service::start().await;
    let data = r#"{ "appinfoA" : "abc", "appinfoB" : 12345678901234567890.10, "appinfoC" : true }"#;
    let body = format!(
        r#"{{"specversion":"1.0","type":"com.example.someevent","source":"/mycontext","subject":null,"id":"C234-1234-1234",
            "time":"2018-04-05T17:31:00Z","comexampleextension1":"value","comexampleothervalue":5,
            "datacontenttype":"application/json","data":{data}}}"#
    );
    let record = service.kept(post(STRUCTURED, body.clone())).await;
    assert_eq!((record.event_type.as_str(), payload(&record)), ("com.example.someevent", data));
    insta::assert_snapshot!(metadata(&record), @r#"{"cloudevents":{"id":"C234-1234-1234","source":"/mycontext","specversion":"1.0","time":"2018-04-05T17:31:00Z","datacontenttype":"application/json","extensions":{"comexampleextension1":"value","comexampleothervalue":5},"data":"payload"}}"#);
    let again = service.kept(post("Application/CloudEvents+JSON; charset=UTF-8", body)).await;
    assert_eq!(again.id, record.id);
    let headers = [
        ("ce-source", "/mycontext"),
        ("ce-id", "C234-1234-1235"),
        ("ce-time", "2018-04-05T17:31:00Z"),
        ("ce-comexampleextension1", "value"),
        ("ce-comexampleothervalue", "5"),
        ("content-type", "application/json"),
    ];
    let record = service.kept(binary(&headers, data)).await;
    assert_eq!((record.event_type.as_str(), payload(&record)), ("com.example.someevent", data));
    // A header has no type, so the number of an extension becomes text.
    insta::assert_snapshot!(metadata(&record), @r#"{"cloudevents":{"id":"C234-1234-1235","source":"/mycontext","specversion":"1.0","time":"2018-04-05T17:31:00Z","datacontenttype":"application/json","extensions":{"comexampleextension1":"value","comexampleothervalue":"5"},"data":"payload"}}"#);
}

#[tokio::test]
async fn data_of_every_kind_are_kept() {
    let service = Service::start().await;
    let mut all = String::new();
    let mut n = 0;
    let mut id = || {
        n += 1;
        n.to_string()
    };
    for changes in [
        json!({}),
        json!({"data": {}}),
        json!({"data": null}),
        json!({"data": [1, {"a": 2}]}),
        json!({"data": 7}),
        json!({"data": "I'm just a string"}),
        json!({"datacontenttype": "text/plain", "data": "Simple text"}),
        json!({"datacontenttype": "application/xml", "data": "<much wow=\"xml\"/>"}),
        json!({"datacontenttype": "application/vnd.apache.thrift.binary", "data_base64": "AAECAw=="}),
        json!({"data_base64": null}),
    ] {
        let mut event = sample(changes.clone());
        event["id"] = id().into();
        tell(&mut all, &changes.to_string(), &service.kept(structured(&event)).await);
    }
    for (content_type, body) in [
        ("application/json", &b""[..]),
        ("application/json", b" {\"a\": 1.0} \n"),
        ("application/json; charset=utf-8", b"[1, 2]"),
        ("application/vnd.example+json", b"\"text\""),
        ("application/json; charset=utf-16", b"\xff\xfe{\0}\0"),
        ("text/plain", "naïve".as_bytes()),
        ("text/plain", b"\xff"),
        ("text/plain", b"a\0b"),
        ("text/plain; charset=iso-8859-1", b"plain"),
        ("application/xml", b"<much wow=\"xml\"/>"),
        ("application/octet-stream", b"\x00\x01"),
        ("application/octet-stream", b"{}"),
    ] {
        let request = binary(&[("ce-id", &id()), ("content-type", content_type)], body);
        let shown = format!("{content_type} {:?}", String::from_utf8_lossy(body));
        tell(&mut all, &shown, &service.kept(request).await);
    }
    tell(&mut all, "no content type", &service.kept(binary(&[("ce-id", &id())], "{}")).await);
    insta::assert_snapshot!(all, @r#"
    {}
      {} "none" (none)
    {"data":{}}
      {} "payload" (none)
    {"data":null}
      {"data":null} "payload.data" (none)
    {"data":[1,{"a":2}]}
      {"data":[1,{"a":2}]} "payload.data" (none)
    {"data":7}
      {"data":7} "payload.data" (none)
    {"data":"I'm just a string"}
      {"data":"I'm just a string"} "payload.data" (none)
    {"data":"Simple text","datacontenttype":"text/plain"}
      {"data":"Simple text"} "payload.data" text/plain
    {"data":"<much wow=\"xml\"/>","datacontenttype":"application/xml"}
      {"data":"<much wow=\"xml\"/>"} "payload.data" application/xml
    {"data_base64":"AAECAw==","datacontenttype":"application/vnd.apache.thrift.binary"}
      {"data_base64":"AAECAw=="} "payload.data_base64" application/vnd.apache.thrift.binary
    {"data_base64":null}
      {} "none" (none)
    application/json ""
      {} "none" application/json
    application/json " {\"a\": 1.0} \n"
      {"a": 1.0} "payload" application/json
    application/json; charset=utf-8 "[1, 2]"
      {"data":[1, 2]} "payload.data" application/json; charset=utf-8
    application/vnd.example+json "\"text\""
      {"data":"text"} "payload.data" application/vnd.example+json
    application/json; charset=utf-16 "��{\0}\0"
      {"data_base64":"//57AH0A"} "payload.data_base64" application/json; charset=utf-16
    text/plain "naïve"
      {"data":"naïve"} "payload.data" text/plain
    text/plain "�"
      {"data_base64":"/w=="} "payload.data_base64" text/plain
    text/plain "a\0b"
      {"data_base64":"YQBi"} "payload.data_base64" text/plain
    text/plain; charset=iso-8859-1 "plain"
      {"data_base64":"cGxhaW4="} "payload.data_base64" text/plain; charset=iso-8859-1
    application/xml "<much wow=\"xml\"/>"
      {"data":"<much wow=\"xml\"/>"} "payload.data" application/xml
    application/octet-stream "\0\u{1}"
      {"data_base64":"AAE="} "payload.data_base64" application/octet-stream
    application/octet-stream "{}"
      {"data_base64":"e30="} "payload.data_base64" application/octet-stream
    no content type
      {"data_base64":"e30="} "payload.data_base64" (none)
    "#);
}

fn tell(all: &mut String, shown: &str, record: &Record) {
    let metadata: Value = serde_json::from_str(metadata(record)).unwrap();
    let kept = &metadata["cloudevents"];
    let content_type = kept["datacontenttype"].as_str().unwrap_or("(none)");
    writeln!(all, "{shown}\n  {} {} {content_type}", payload(record), kept["data"]).unwrap();
}

/// The types of the specification, section 3, in the JSON format.
#[tokio::test]
async fn extensions_keep_their_types() {
    let service = Service::start().await;
    let event = sample(json!({
        "extint": -2_147_483_648, "extbool": false, "exttext": "é \u{1f600}", "exturi": "https://example.com/a?b#c",
        "exttime": "2020-01-01T00:00:00.123+01:00", "extbytes": "TWE=", "extempty": "", "extnull": null,
        "anextensionwhosenameislongerthantwentycharacters": 1, "dataschema": "urn:example:schema", "subject": "a b",
    }));
    let record = service.kept(structured(&event)).await;
    insta::assert_snapshot!(metadata(&record), @r#"{"cloudevents":{"id":"1234-1234-1234","source":"/mycontext/subcontext","specversion":"1.0","subject":"a b","dataschema":"urn:example:schema","extensions":{"anextensionwhosenameislongerthantwentycharacters":1,"extbool":false,"extbytes":"TWE=","extempty":"","extint":-2147483648,"exttext":"é 😀","exttime":"2020-01-01T00:00:00.123+01:00","exturi":"https://example.com/a?b#c"},"data":"none"}}"#);
}

#[tokio::test]
async fn header_values_are_decoded() {
    let service = Service::start().await;
    let record = service
        .kept(binary(
            &[
                ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
                ("CE-Quoted", r#""a \"b\" %41""#),
                ("ce-percent", "100%25"),
            ],
            "",
        ))
        .await;
    insta::assert_snapshot!(metadata(&record), @r#"{"cloudevents":{"id":"1234-1234-1234","source":"/mycontext/subcontext","specversion":"1.0","subject":"Euro € 😀","extensions":{"percent":"100%","quoted":"a \"b\" A"},"data":"none"}}"#);
}

#[tokio::test]
async fn what_is_no_cloud_event_is_told_by_attribute() {
    let service = Service::start().await;
    let mut all = String::new();
    let without = |name: &&str| {
        let mut event = sample(json!({}));
        event.as_object_mut().unwrap().remove(*name);
        event.to_string()
    };
    let mut bodies: Vec<_> = ["specversion", "type", "source", "id"].iter().map(without).collect();
    bodies.extend(changes_for_the_worse().into_iter().map(|changes| sample(changes).to_string()));
    bodies.extend([
        String::new(),
        "[]".into(),
        "7".into(),
        "hello".into(),
        r#"{"id":"\ud800"}"#.into(),
        r#"{"id":"a","id":"b"}"#.into(),
        r#"{"data":1,"data":2}"#.into(),
        r#"{"subject":null,"subject":"b"}"#.into(),
        r#"{"ext":"b","ext":null}"#.into(),
        r#"{"data_base64":null,"data_base64":"YQ=="}"#.into(),
        r#"["1.0","1","/a","b"]"#.into(),
        format!(r#"{{"data":{}1{}}}"#, "[".repeat(100), "]".repeat(100)),
    ]);
    for body in bodies {
        let problem = service.call(post(STRUCTURED, body.clone())).await.problem(StatusCode::BAD_REQUEST);
        writeln!(all, "{} {}", problem["field"], problem["detail"].as_str().unwrap()).unwrap();
    }
    insta::assert_snapshot!(all, @r#"
    "specversion" specversion is required
    "type" type is required
    "source" source is required
    "id" id is required
    "specversion" specversion must not be empty
    "specversion" specversion must be 1.0
    "specversion" specversion must be a string, is a number
    "type" type must not be empty
    "type" type must have at most 100 characters, has 101
    "id" id must not be empty
    "id" id must be a string, is a number
    "id" id is required
    "id" id must be a string, is an object
    "id" id must not contain control characters or noncharacters
    "id" id must not contain control characters or noncharacters
    "source" source must not be empty
    "source" source must be a URI reference
    "source" source must be a URI reference
    "source" source must be a URI reference
    "time" time must be a timestamp of RFC 3339
    "time" time must be a timestamp of RFC 3339
    "time" time must be a timestamp of RFC 3339
    "time" time must be a timestamp of RFC 3339
    "time" time must be a timestamp of RFC 3339
    "time" time must not be empty
    "datacontenttype" datacontenttype must be a media type
    "datacontenttype" datacontenttype must not be empty
    "dataschema" dataschema must not be empty
    "dataschema" dataschema must be an absolute URI
    "subject" subject must not be empty
    "subject" subject must be a string, is a boolean
    "camelCase" an attribute's name must be letters from a to z and digits: "camelCase"
    "with.point" an attribute's name must be letters from a to z and digits: "with.point"
    "with_line" an attribute's name must be letters from a to z and digits: "with_line"
    "" an attribute's name must be letters from a to z and digits: ""
    "ext" ext must be an integer of 32 bits where it is a number
    "ext" ext must be an integer of 32 bits where it is a number
    "ext" ext must be a string, a boolean or an integer, is an array
    "ext" ext must be a string, a boolean or an integer, is an object
    "ext" ext must not contain control characters or noncharacters
    "data_base64" data_base64 must not stand beside data
    "data_base64" data_base64 must be a string in Base64
    "data_base64" data_base64 must be a string in Base64
    "data" data must not contain a NUL character (\u0000) (byte 14)
    null a CloudEvent must be a JSON object (byte 0)
    null a CloudEvent must be a JSON object (byte 0)
    null a CloudEvent must be a JSON object (byte 0)
    null a CloudEvent must be a JSON object (byte 0)
    "id" id must not contain half of a surrogate pair
    "id" id is given twice
    "data" data is given twice
    "subject" subject is given twice
    "ext" ext is given twice
    "data_base64" data_base64 is given twice
    null a CloudEvent must be a JSON object (byte 0)
    "data" data must be nested at most 99 levels deep (byte 107)
    "#);
    assert_eq!(service.rows().await, 0);
}

fn changes_for_the_worse() -> Vec<Value> {
    vec![
        json!({"specversion": ""}),
        json!({"specversion": "0.3"}),
        json!({"specversion": 1.0}),
        json!({"type": ""}),
        json!({"type": "x".repeat(101)}),
        json!({"id": ""}),
        json!({"id": 7}),
        json!({"id": null}),
        json!({"id": {"a": 1}}),
        json!({"id": "a\u{7}"}),
        json!({"id": "a\0"}),
        json!({"source": ""}),
        json!({"source": "a b"}),
        json!({"source": "é"}),
        json!({"source": "/a%2"}),
        json!({"time": "noon"}),
        json!({"time": "2018-04-05T18:31Z"}),
        json!({"time": "2018-04-05T18:31:00"}),
        json!({"time": "2018-04-05T18:31:00+25:00"}),
        json!({"time": "2018-04-05"}),
        json!({"time": ""}),
        json!({"datacontenttype": "json"}),
        json!({"datacontenttype": ""}),
        json!({"dataschema": ""}),
        json!({"dataschema": "/relative"}),
        json!({"subject": ""}),
        json!({"subject": true}),
        json!({"camelCase": "a"}),
        json!({"with.point": "a"}),
        json!({"with_line": "a"}),
        json!({"": "a"}),
        json!({"ext": 1.5}),
        json!({"ext": 2_147_483_648_u32}),
        json!({"ext": [1]}),
        json!({"ext": {"a": 1}}),
        json!({"ext": "\u{fdd0}"}),
        json!({"data": 1, "data_base64": "AA=="}),
        json!({"data_base64": "not base64!"}),
        json!({"data_base64": 7}),
        json!({"data": {"a": "\0"}}),
    ]
}

#[tokio::test]
async fn headers_that_make_no_event_are_told_by_attribute() {
    let service = Service::start().await;
    let mut all = String::new();
    for missing in ["ce-specversion", "ce-type", "ce-source", "ce-id"] {
        let mut request = binary(&[], "");
        request.headers_mut().remove(missing);
        tell_problem(&mut all, &service.call(request).await);
    }
    for (name, value) in [
        ("ce-specversion", "0.3"),
        ("ce-id", ""),
        ("ce-id", "%C0%A0"),
        ("ce-id", "%00"),
        ("ce-id", r#""open"#),
        ("ce-time", "noon"),
        ("ce-datacontenttype", "application/json"),
        ("ce-data", "a"),
        ("ce-my-extension", "a"),
        ("ce-", "a"),
        ("content-type", "json"),
    ] {
        tell_problem(&mut all, &service.call(binary(&[(name, value)], "")).await);
    }
    let mut twice = binary(&[], "");
    twice.headers_mut().append("ce-id", HeaderValue::from_static("b"));
    tell_problem(&mut all, &service.call(twice).await);
    for body in [&b"{"[..], b"{} {}", b"\xff", b"{\"a\":\"\\u0000\"}"] {
        let request = binary(&[("content-type", "application/json")], body);
        tell_problem(&mut all, &service.call(request).await);
    }
    insta::assert_snapshot!(all, @r#"
    "specversion" specversion is required
    "type" type is required
    "source" source is required
    "id" id is required
    "specversion" specversion must be 1.0
    "id" id must not be empty
    "id" id is not UTF-8 once it is percent-decoded
    "id" id must not contain control characters or noncharacters
    "id" id has quotes that do not match
    "time" time must be a timestamp of RFC 3339
    "datacontenttype" datacontenttype must be the header Content-Type
    "data" data must be the body
    "my-extension" an attribute's name must be letters from a to z and digits: "my-extension"
    "" an attribute's name must be letters from a to z and digits: ""
    "datacontenttype" datacontenttype must be a media type
    "id" id is given twice
    "data" 0 data is not JSON: EOF while parsing an object (byte 0)
    "data" 3 data is not JSON: trailing characters (byte 3)
    "data" data must be UTF-8 where it is JSON
    "data" 6 data must not contain a NUL character (\u0000) (byte 6)
    "#);
    assert_eq!(service.rows().await, 0);
}

fn tell_problem(all: &mut String, answer: &Answer) {
    let problem = answer.problem(StatusCode::BAD_REQUEST);
    let byte = problem["byte"].as_u64().map(|byte| format!(" {byte}")).unwrap_or_default();
    writeln!(all, "{}{byte} {}", problem["field"], problem["detail"].as_str().unwrap()).unwrap();
}

#[tokio::test]
async fn source_and_id_are_the_key_whatever_else_it_says() {
    let service = Service::start().await;
    let first = service.call(structured(&sample(json!({"data": {"n": 1}})))).await.json();
    assert_eq!(
        service.call(structured(&sample(json!({"data": {"n": 2}, "type": "other"})))).await.json(),
        first
    );
    assert_eq!(service.call(binary(&[], "")).await.json(), first);
    let other = service.call(structured(&sample(json!({"source": "/mycontext"})))).await.json();
    assert_ne!(other["eventId"], first["eventId"]);
    assert_eq!(service.rows().await, 4);
    for mut request in [post(STRUCTURED, untouchable()), binary(&[], untouchable())] {
        request.headers_mut().insert("idempotency-key", HeaderValue::from_static("k"));
        let problem = service.call(request).await.problem(StatusCode::BAD_REQUEST);
        assert_eq!(problem["field"], "Idempotency-Key");
    }
}

#[tokio::test]
async fn a_batch_of_them_answers_for_each() {
    let service = Service::start().await;
    let body = json!([
        sample(json!({"id": "1", "data": {"n": 1}})),
        sample(json!({"id": "2", "specversion": "0.3"})),
        "no object",
        sample(json!({"id": "1", "data": {"n": 2}})),
        sample(json!({"id": "4", "data": [4]})),
    ]);
    let answer = service.call(batch(BATCHED, body.to_string())).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS);
    let json = answer.json();
    assert_eq!((&json["accepted"], &json["rejected"]), (&json!(3), &json!(2)));
    let results = json["results"].as_array().unwrap();
    assert_eq!(results[1]["problem"]["field"], "specversion");
    assert_eq!(results[2]["problem"]["byte"], body.to_string().find("\"no object\"").unwrap());
    assert_eq!(results[3]["eventId"], results[0]["eventId"]);
    assert_eq!(service.rows().await, 4);
    // An empty batch is valid too.
    let empty = service.call(batch(BATCHED, "[]")).await;
    assert_eq!((empty.status, empty.json()["accepted"].clone()), (StatusCode::CREATED, json!(0)));
    let wrapped = service.call(batch(BATCHED, r#"{"events":[]}"#)).await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(wrapped["detail"], "the body must be a JSON array of events (byte 0)");
}

#[tokio::test]
async fn what_belongs_elsewhere_is_told_where() {
    let service = Service::start().await;
    let mut all = String::new();
    for content_type in [
        BATCHED,
        "application/cloudevents",
        "application/cloudevents+xml",
        "application/cloudevents+json; charset=utf-16",
    ] {
        // These types are refused even if the headers could be read.
        let answer = service.call(binary(&[("content-type", content_type)], untouchable())).await;
        let problem = answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        writeln!(all, "{}", problem["detail"].as_str().unwrap()).unwrap();
    }
    let answer = service.call(batch(STRUCTURED, untouchable())).await;
    let problem = answer.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    writeln!(all, "{}", problem["detail"].as_str().unwrap()).unwrap();
    let mut one = batch("application/json", untouchable());
    one.headers_mut().insert("ce-id", HeaderValue::from_static("1"));
    let problem = service.call(one).await.problem(StatusCode::BAD_REQUEST);
    assert_eq!(problem["field"], "ce-id");
    writeln!(all, "{}", problem["detail"].as_str().unwrap()).unwrap();
    insta::assert_snapshot!(all, @r"
    Content-Type must be application/cloudevents+json, and a batch goes to /events/batch: application/cloudevents-batch+json
    Content-Type must be application/cloudevents+json: application/cloudevents
    Content-Type must be application/cloudevents+json: application/cloudevents+xml
    the charset must be utf-8, not utf-16
    Content-Type must be application/json, application/x-ndjson or application/cloudevents-batch+json (one CloudEvent goes to /events): application/cloudevents+json
    the header ce-id makes one CloudEvent, which goes to /events
    ");
}
