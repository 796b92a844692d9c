//! `Statement`: a line of SQL with gaps, and what goes into them.
//!
//! The table's name is part of the text, since no database takes it as a parameter; everything else is
//! bound. The text is made once, when the store is opened, so that each connection prepares a statement
//! once and sends only the values from then on: one round trip.
//!
//! Read next: `dialect.rs`, where the lines are.

use diesel::QueryResult;
use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Binary, HasSqlType, Nullable, Text};

use super::super::StoreError;

/// Text with gaps: `{table}`, which is filled once, and those of [`Gap`].
pub(super) struct Statement {
    parts: Vec<Part>,
    /// As it is shown: with `?` for what is bound.
    shown: String,
}

enum Part {
    Sql(String),
    Bound(Gap),
}

/// What may be bound.
#[derive(Clone, Copy)]
enum Gap {
    Key,
    Data,
    Old,
    Now,
    Ends,
    Like,
}

/// What is bound.
#[derive(Clone, Default)]
pub(super) struct Values {
    pub(super) key: String,
    pub(super) data: Vec<u8>,
    /// The data that should be there still.
    pub(super) old: Vec<u8>,
    /// The time by the app's clock, as [`time`] writes it.
    pub(super) now: String,
    /// The last second of the row's life.
    pub(super) ends: String,
    /// A pattern for keys, with `!` before what is no wildcard.
    pub(super) like: String,
}

impl Statement {
    /// Takes the text apart. `table` is quoted already.
    pub(super) fn new(text: &str, table: &str) -> Self {
        let mut statement = Statement {
            parts: Vec::new(),
            shown: String::new(),
        };
        let mut pieces = text.split(['{', '}']);
        while let Some(sql) = pieces.next() {
            statement.push_sql(sql);
            match pieces.next() {
                None => {}
                Some("table") => statement.push_sql(table),
                Some("key") => statement.push_gap(Gap::Key),
                Some("data") => statement.push_gap(Gap::Data),
                Some("old") => statement.push_gap(Gap::Old),
                Some("now") => statement.push_gap(Gap::Now),
                Some("ends") => statement.push_gap(Gap::Ends),
                Some("like") => statement.push_gap(Gap::Like),
                Some(other) => unreachable!("{other:?} in {text:?}"),
            }
        }
        statement
    }

    fn push_sql(&mut self, sql: &str) {
        self.shown.push_str(sql);
        self.parts.push(Part::Sql(sql.to_owned()));
    }

    fn push_gap(&mut self, gap: Gap) {
        self.shown.push('?');
        self.parts.push(Part::Bound(gap));
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    pub(super) fn with<'a>(&'a self, values: &'a Values) -> Bound<'a> {
        Bound {
            statement: self,
            values,
        }
    }
}

/// A statement and its values: what diesel runs. What it selects is a key and its data.
#[derive(Clone, Copy)]
#[allow(missing_debug_implementations, unreachable_pub)] // In the signature of a public trait, hidden.
pub struct Bound<'a> {
    statement: &'a Statement,
    values: &'a Values,
}

impl<DB> QueryFragment<DB> for Bound<'_>
where
    DB: Backend + HasSqlType<Text> + HasSqlType<Binary>,
    str: ToSql<Text, DB>,
    [u8]: ToSql<Binary, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let values = self.values;
        for part in &self.statement.parts {
            match part {
                Part::Sql(sql) => out.push_sql(sql),
                Part::Bound(gap) => match gap {
                    Gap::Key => out.push_bind_param::<Text, str>(&values.key)?,
                    Gap::Now => out.push_bind_param::<Text, str>(&values.now)?,
                    Gap::Ends => out.push_bind_param::<Text, str>(&values.ends)?,
                    Gap::Like => out.push_bind_param::<Text, str>(&values.like)?,
                    Gap::Data => out.push_bind_param::<Binary, [u8]>(&values.data)?,
                    Gap::Old => out.push_bind_param::<Binary, [u8]>(&values.old)?,
                },
            }
        }
        Ok(())
    }
}

/// Found again by its text: a connection has each statement prepared once.
impl QueryId for Bound<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Bound<'_> {
    type SqlType = (Nullable<Text>, Nullable<Binary>);
}

impl<C> diesel::RunQueryDsl<C> for Bound<'_> {}

// ANCHOR: time
/// A time as Flask-Session has it written: in UTC, without a zone. SQLite compares it as text, so that it
/// has to be the same text, down to the digits of a fraction that Carafe does not use.
pub(super) fn time(unix: u64) -> String {
    let last = jiff::Timestamp::MAX.as_second();
    let unix = i64::try_from(unix).map_or(last, |unix| unix.min(last));
    let time = jiff::Timestamp::from_second(unix).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%d %H:%M:%S.000000").to_string()
}
// ANCHOR_END: time

/// A pattern for all keys that begin with `prefix`.
pub(super) fn like(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for character in prefix.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// A name as part of a statement's text, whatever is in it.
pub(super) fn quote(store: &'static str, name: &str, mark: char) -> Result<String, StoreError> {
    if name.is_empty() || name.contains('\0') {
        let message = format!("{name:?} is no name of a table or a schema");
        return Err(StoreError::config(store, message));
    }
    let mut quoted = String::from(mark);
    for character in name.chars() {
        quoted.push(character);
        if character == mark {
            quoted.push(character);
        }
    }
    quoted.push(mark);
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_name_stays_one_name_whatever_is_in_it() {
        assert_eq!(quote("x", "sessions", '"').unwrap(), r#""sessions""#);
        assert_eq!(
            quote("x", r#"a"; DROP TABLE b; --"#, '"').unwrap(),
            r#""a""; DROP TABLE b; --""#
        );
        assert_eq!(quote("x", "a`b{key}", '`').unwrap(), "`a``b{key}`");
        assert!(quote("x", "", '"').is_err());
        assert!(quote("x", "a\0", '"').is_err());
    }

    #[test]
    fn a_gap_in_the_tables_name_is_none() {
        let statement = Statement::new("DELETE FROM {table} WHERE id = {key}", r#""{data}""#);
        assert_eq!(statement.shown(), r#"DELETE FROM "{data}" WHERE id = ?"#);
    }

    #[test]
    fn times_are_written_as_sqlalchemy_writes_them() {
        assert_eq!(time(1_700_000_000), "2023-11-14 22:13:20.000000");
        assert_eq!(time(0), "1970-01-01 00:00:00.000000");
        assert!(time(u64::MAX).starts_with("9999-12-30 22:00:00"));
    }
}
