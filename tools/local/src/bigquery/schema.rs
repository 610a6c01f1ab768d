//! The columns of a table. Types that this stand-in cannot check are refused by name.

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::reference::check_id;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Schema {
    #[serde(default)]
    pub(crate) fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Field {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: FieldType,
    #[serde(default)]
    pub(crate) mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum FieldType {
    String,
    #[serde(alias = "INT64")]
    Integer,
    #[serde(alias = "FLOAT64")]
    Float,
    #[serde(alias = "BOOL")]
    Boolean,
    Timestamp,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Mode {
    #[default]
    Nullable,
    Required,
}

impl Schema {
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        for (i, field) in self.fields.iter().enumerate() {
            check_id(&format!("schema.fields[{i}].name"), &field.name, &[])?;
            let same_name = |other: &Field| other.name.eq_ignore_ascii_case(&field.name);
            if self.fields[..i].iter().any(same_name) {
                let name = &field.name;
                return Err(ApiError::invalid(format!("Duplicate field name: {name}")));
            }
        }
        Ok(())
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Tells whether rows written for `other` fit this table. Descriptions may differ.
    pub(crate) fn has_all_of(&self, other: &Self) -> bool {
        other
            .fields
            .iter()
            .all(|theirs| self.field(&theirs.name).is_some_and(|ours| ours.kind == theirs.kind))
    }
}
