//! `Form`: what was typed, and what is wrong with it, field by field.
//!
//! Flask's tutorial flashes one error at a time, and leaves forms to WTForms. This is what a page needs to
//! show each error beside its field, with what was typed still in it; `templates/fields.html` does.
//!
//! Read next: `auth.rs`.

use std::collections::BTreeMap;

use carafe::{Error, request};
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;

/// The fields of a form by their names.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Form {
    values: BTreeMap<&'static str, String>,
    errors: BTreeMap<&'static str, String>,
    /// Where the cursor goes: the field that was complained about first.
    first_error: Option<&'static str>,
}

impl Form {
    /// A form that nobody has filled in yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The fields that were sent.
    ///
    /// # Errors
    /// A 400 where one of them is missing: our own pages send all; a 413 for a body that is too large.
    pub(crate) fn read(names: &[&'static str]) -> Result<Self, Error> {
        let request = request();
        let sent = request.form()?;
        let mut form = Self::new();
        for &name in names {
            // Browsers send the end of a line as two characters.
            let value = sent.require(name)?.replace("\r\n", "\n");
            form.set(name, value);
        }
        Ok(form)
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.values.insert(name, value.into());
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Says what is wrong with a field. The first complaint about it stays.
    pub(crate) fn complain(&mut self, name: &'static str, error: impl Into<String>) {
        self.errors.entry(name).or_insert_with(|| error.into());
        self.first_error.get_or_insert(name);
    }

    /// Complains where there is nothing in the field but space, or more than `max` characters. `label` is
    /// what the page calls it.
    pub(crate) fn check_length(&mut self, name: &'static str, label: &str, max: usize) {
        let value = self.get(name);
        if value.trim().is_empty() {
            self.complain(name, format!("{label} is required."));
        } else if value.chars().count() > max {
            self.complain(name, format!("{label} may have {max} characters at most."));
        }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// For a template: `form.values.title`, `form.errors.title`, `form.first_error`.
    pub(crate) fn to_value(&self) -> Value {
        Serde(self).into()
    }
}
