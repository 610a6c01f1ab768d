use std::borrow::Cow;

use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::Problem;

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| member(Type::String, description).build();
        let count = |description: &str| member(Type::Integer, description).minimum(Some(0)).build();
        let status = member(Type::Integer, "The same as the status of the answer")
            .minimum(Some(400))
            .maximum(Some(599));
        let kind = text("A URI, or `about:blank` if the status says everything");
        let document = member(
            Type::Object,
            "An error in the form of RFC 9457. Some have more members, which repeat parts of the detail.",
        );
        document
            .property("type", kind)
            .required("type")
            .property("title", text("The name of the status"))
            .required("title")
            .property("status", status)
            .required("status")
            .property("detail", text("An explanation for people"))
            .property("field", text("The member, the parameter or the header that is at fault"))
            .property("byte", count("The position in the body, from 0"))
            .property("limit", count("The limit that was exceeded"))
            .property("requestId", text("The ID of the request, by which the log lines are found"))
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
