//! Checks answers against the document that the service itself gives.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{Method, Request, StatusCode};
use jsonschema::Validator;
use serde_json::Value;

use super::{Answer, answer};

/// The document of a service.
pub struct Contract {
    pub document: Value,
    /// The validators by their schemas, because making one takes longer than a request.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// The documents that were read already, because tests ask thousands of times.
static READ: LazyLock<Mutex<HashMap<Bytes, Arc<Contract>>>> = LazyLock::new(Mutex::default);

impl Contract {
    /// None if a service has no document.
    pub async fn of(app: &Router) -> Option<Arc<Self>> {
        let request = Request::get("/openapi.json").body(Body::empty()).expect("a path is a URI");
        let answer = answer(app.clone(), request).await;
        let read = || Arc::new(Self { document: answer.json(), validators: Mutex::default() });
        let mut all = READ.lock().unwrap_or_else(PoisonError::into_inner);
        (answer.status == StatusCode::OK).then(|| all.entry(answer.body.clone()).or_insert_with(read).clone())
    }

    /// Fails unless this operation may give this answer. A request for no operation is not checked.
    #[track_caller]
    pub fn holds(&self, method: &Method, path: &str, answer: &Answer) {
        let Some(operation) = self.operation(method, path) else { return };
        let status = answer.status.as_str();
        let response = self.resolved(&operation["responses"][status]);
        assert!(response.is_object(), "{method} {path} does not say that it may answer {status}: {answer:?}");
        for name in ["retry-after", "www-authenticate", "ratelimit", "ratelimit-policy"] {
            let is_told = object(&response["headers"]).any(|(told, _)| told.eq_ignore_ascii_case(name));
            let is_given = answer.headers.contains_key(name);
            assert!(is_told || !is_given, "{method} {path} {status} does not speak of {name}");
        }
        let Some(media) = answer.headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok()) else {
            return assert!(
                object(&response["content"]).next().is_none(),
                "{method} {path} {status} has no body"
            );
        };
        let media = media.split(';').next().unwrap_or(media);
        let content = &response["content"][media];
        assert!(content.is_object(), "{method} {path} {status} does not speak of {media}");
        if media.ends_with("json") {
            let faults: Vec<_> =
                self.validator(&content["schema"]).iter_errors(&answer.json()).map(fault).collect();
            assert!(faults.is_empty(), "{method} {path} {status}: {faults:?} in {answer:?}");
        }
    }

    /// Returns the validator for a schema of the document, with the components that it refers to.
    pub fn validator(&self, schema: &Value) -> Arc<Validator> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        validators.entry(schema.to_string()).or_insert_with(|| Arc::new(self.compiled(schema))).clone()
    }

    fn compiled(&self, schema: &Value) -> Validator {
        let mut whole = schema.clone();
        if let Some(members) = whole.as_object_mut() {
            members.insert("components".into(), self.document["components"].clone());
        }
        jsonschema::draft202012::new(&whole).unwrap_or_else(|error| panic!("{error}: {schema}"))
    }

    /// Returns `METHOD path` of each operation.
    pub fn operations(&self) -> BTreeSet<String> {
        let operations = object(&self.document["paths"]).flat_map(|(path, methods)| {
            object(methods).map(move |(method, _)| format!("{} {path}", method.to_uppercase()))
        });
        operations.collect()
    }

    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let path = path.split('?').next().unwrap_or(path);
        // An exact path comes before a template that fits.
        let exact = self.document["paths"].get(path);
        let fits = || {
            object(&self.document["paths"])
                .find(|(template, _)| fits(template, path))
                .map(|(_, methods)| methods)
        };
        exact.or_else(fits)?.get(method.as_str().to_lowercase())
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
        place.and_then(|place| self.document.pointer(place)).unwrap_or(value)
    }
}

/// Returns `METHOD path` of each route, as axum knows them.
pub async fn routes(app: &Router) -> BTreeSet<String> {
    let service = crate::router(app.clone(), &crate::Readiness::waiting_for(&[]));
    let mut routes = BTreeSet::new();
    for path in paths(&service) {
        let request = Request::builder().method("BREW").uri(path.replace(['{', '}'], ""));
        let answer = answer(app.clone(), request.body(Body::empty()).expect("a path is a URI")).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{path}: {answer:?}");
        let methods =
            answer.header(ALLOW.as_str()).split(',').map(str::trim).filter(|method| *method != "HEAD");
        routes.extend(methods.map(|method| format!("{method} {path}")));
    }
    routes
}

/// The paths are only available in the debug output of a router.
fn paths(router: &Router) -> BTreeSet<String> {
    let printed = format!("{router:?}");
    let named = printed.split("fallback_router").next().unwrap_or_default();
    let quoted = named.split("RouteId(").filter_map(|piece| piece.split_once("): \"")?.1.split_once('"'));
    quoted.map(|(path, _)| path.to_owned()).collect()
}

fn fits(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') || wanted == given => {}
            _ => return false,
        }
    }
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

#[allow(clippy::needless_pass_by_value)] // An iterator of errors is mapped with this function.
fn fault(error: jsonschema::ValidationError<'_>) -> String {
    format!("{error} at {}", error.instance_path())
}
