use std::borrow::Cow;

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::Problem;

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| member(Type::String, description).build();
        let count = |description: &str| member(Type::Integer, description).minimum(Some(0)).build();
        let status = member(Type::Integer, "The same as the answer's").minimum(Some(400)).maximum(Some(599));
        let kind = text("A URI, or `about:blank` where the status says it all");
        let document = member(
            Type::Object,
            "An error as RFC 9457 has it. Some have more members, which tell what the detail tells.",
        );
        document
            .property("type", kind)
            .required("type")
            .property("title", text("What the status is called"))
            .required("title")
            .property("status", status)
            .required("status")
            .property("detail", text("For a person to read"))
            .property("field", text("What is at fault: a member, a parameter or a header"))
            .property("byte", count("Where in the body, from 0"))
            .property("limit", count("What was exceeded"))
            .property("requestId", text("Finds the log lines"))
            .into()
    }
}

fn member(kind: Type, description: &str) -> ObjectBuilder {
    Object::builder().schema_type(kind).description(Some(description))
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        "Problem".into()
    }
}
