//! Forms: the fields and files in a request's body.
//!
//! Mirrors `werkzeug/formparser.py`, and the decoder in `werkzeug/sansio/multipart.py`. Werkzeug reads a
//! `multipart/form-data` body piece by piece and puts large files on disk. Here the body is in memory
//! (`MAX_CONTENT_LENGTH` says how much of it), and the files are slices of it.
//!
//! Read next: `request.rs` (`form`, `files`).

use std::io;
use std::path::Path;

use bytes::Bytes;
use indexmap::IndexMap;
use regex::bytes::Regex;

use super::datastructures::MultiDict;
use super::exceptions::HttpException;
use super::headers::parse_options_header;
use super::urls::parse_qsl;
use crate::error::Error;

/// How much of a body Werkzeug looks at in one go.
const BUFFER_SIZE: u64 = 64 * 1024;

/// What a form is made of.
#[derive(Debug, Default)]
pub(crate) struct FormData {
    pub(crate) form: MultiDict,
    pub(crate) files: Files,
}

/// Flask's limits for a `multipart/form-data` body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_form_memory_size: Option<u64>,
    pub(crate) max_form_parts: Option<u64>,
}

/// One uploaded file: Werkzeug's `FileStorage`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileStorage {
    /// The name of the form's field.
    pub name: String,
    /// The file's name at the client's. Never use it as a path without a look at it.
    pub filename: String,
    /// The headers of the file's part of the body, names in lower case.
    pub headers: IndexMap<String, String>,
    /// What is in it.
    pub data: Bytes,
}

impl FileStorage {
    /// The `Content-Type` that the client gave.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get("content-type").map(String::as_str)
    }

    /// Writes the file to a path of one's own choice.
    ///
    /// # Errors
    /// Those of [`std::fs::write`].
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        std::fs::write(path, &self.data)
    }
}

/// The uploaded files of a request, by the name of their field.
#[derive(Clone, Debug, Default)]
pub struct Files {
    map: IndexMap<String, Vec<FileStorage>>,
}

impl Files {
    /// The first file of a field.
    pub fn get(&self, name: &str) -> Option<&FileStorage> {
        self.map.get(name)?.first()
    }

    /// All files of a field.
    pub fn getlist(&self, name: &str) -> &[FileStorage] {
        self.map.get(name).map_or(&[], Vec::as_slice)
    }

    /// All files.
    pub fn iter(&self) -> impl Iterator<Item = &FileStorage> {
        self.map.values().flatten()
    }

    /// The number of fields with files.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    fn add(&mut self, file: FileStorage) {
        self.map.entry(file.name.clone()).or_default().push(file);
    }
}

/// Reads an `application/x-www-form-urlencoded` body; one that is not UTF-8 is empty.
pub(crate) fn parse_urlencoded(body: &[u8]) -> FormData {
    FormData {
        form: std::str::from_utf8(body).map(parse_qsl).unwrap_or_default(),
        files: Files::default(),
    }
}

/// Reads a `multipart/form-data` body; one that is broken anywhere is empty.
///
/// # Errors
/// 413 `RequestEntityTooLarge` beyond the limits.
pub(crate) fn parse_multipart(
    body: &Bytes,
    boundary: &str,
    limits: Limits,
) -> Result<FormData, Error> {
    if boundary.is_empty() || !boundary.is_ascii() {
        return Ok(FormData::default());
    }
    // Werkzeug's decoder refuses a first piece that is larger than a field may be, whatever is in it.
    let first_piece = (body.len() as u64).min(BUFFER_SIZE);
    check_limit(first_piece, limits.max_form_memory_size)?;
    Ok(decode(body, boundary, limits)?.unwrap_or_default())
}

fn check_limit(size: u64, limit: Option<u64>) -> Result<(), Error> {
    if limit.is_some_and(|limit| size > limit) {
        return Err(HttpException::request_entity_too_large().into());
    }
    Ok(())
}

/// `None` where the body breaks the format.
fn decode(body: &Bytes, boundary: &str, limits: Limits) -> Result<Option<FormData>, Error> {
    let Some(patterns) = Patterns::new(boundary) else {
        return Ok(None);
    };
    let mut data = FormData::default();
    let Some(mut delimiter) = find_delimiter(&patterns.first_delimiter, body, 0) else {
        return Ok(None);
    };
    let mut parts = 0;
    while !delimiter.is_last {
        let Some(blank) = patterns.blank_line.find_at(body, delimiter.end) else {
            return Ok(None);
        };
        let Some(headers) = parse_headers(&body[delimiter.end..blank.start()]) else {
            return Ok(None);
        };
        let Some(disposition) = headers.get("content-disposition") else {
            return Ok(None);
        };
        parts += 1;
        check_limit(parts, limits.max_form_parts)?;
        let (_, options) = parse_options_header(disposition);

        // The blank line is two line breaks. The second may be the one that a delimiter starts with.
        let second_break = blank.start().midpoint(blank.end());
        let Some(next) = find_delimiter(&patterns.delimiter, body, second_break) else {
            return Ok(None);
        };
        let start = match body.get(second_break..second_break + 2) {
            Some(b"\r\n") => second_break + 2,
            _ => second_break + 1,
        };
        let content = body.slice(start..next.start.max(start));
        delimiter = next;

        let filename = options.get("filename").cloned();
        if filename.is_none() {
            check_limit(content.len() as u64, limits.max_form_memory_size)?;
        }
        // A part without a name can't be asked for.
        let Some(name) = options.get("name").cloned() else {
            continue;
        };
        match filename {
            None => data.form.add(name, decode_text(&content, &headers)),
            Some(filename) => data.files.add(FileStorage {
                name,
                filename,
                headers,
                data: content,
            }),
        }
    }
    Ok(Some(data))
}

struct Patterns {
    first_delimiter: Regex,
    delimiter: Regex,
    blank_line: Regex,
}

impl Patterns {
    fn new(boundary: &str) -> Option<Self> {
        // Line breaks should be CRLF; some clients send one half of it.
        let line_break = r"(?:\r\n|\n|\r)";
        let boundary = regex::escape(boundary);
        let delimiter =
            format!(r"--{boundary}(?:(--)[\t\x0b\x0c ]*{line_break}?|[\t\x0b\x0c ]*{line_break})");
        let compile = |pattern: &str| Regex::new(&format!("(?-u){pattern}")).ok();
        Some(Self {
            first_delimiter: compile(&format!("{line_break}?{delimiter}"))?,
            delimiter: compile(&format!("{line_break}{delimiter}"))?,
            blank_line: compile(r"\r\n\r\n|\r\r|\n\n")?,
        })
    }
}

struct Delimiter {
    start: usize,
    end: usize,
    is_last: bool,
}

fn find_delimiter(pattern: &Regex, body: &[u8], from: usize) -> Option<Delimiter> {
    let found = pattern.captures_at(body, from)?;
    let whole = found.get(0)?;
    Some(Delimiter {
        start: whole.start(),
        end: whole.end(),
        is_last: found.get(1).is_some(),
    })
}

/// The headers of a part, with names in lower case; `None` where they are not UTF-8.
fn parse_headers(block: &[u8]) -> Option<IndexMap<String, String>> {
    let text = std::str::from_utf8(block).ok()?;
    // A line that starts with a space goes on where the last one ended.
    let mut lines: Vec<String> = Vec::new();
    for line in text.replace("\r\n", "\n").split(['\n', '\r']) {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(&line[1..]);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    let mut headers = IndexMap::new();
    for line in &lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = name.trim_matches([' ', '\t']).to_lowercase();
        let value = value.trim_matches([' ', '\t']).to_owned();
        // Of several of one name the first counts, as in Werkzeug's `Headers`.
        headers.entry(name).or_insert(value);
    }
    Some(headers)
}

fn decode_text(content: &[u8], headers: &IndexMap<String, String>) -> String {
    let content_type = headers.get("content-type").map_or("", String::as_str);
    let (_, options) = parse_options_header(content_type);
    let charset = options.get("charset").map(|charset| charset.to_lowercase());
    match charset.as_deref() {
        Some("iso-8859-1") => content.iter().map(|&byte| char::from(byte)).collect(),
        Some("ascii" | "us-ascii") => content
            .iter()
            .map(|&byte| {
                if byte.is_ascii() {
                    char::from(byte)
                } else {
                    '\u{fffd}'
                }
            })
            .collect(),
        _ => String::from_utf8_lossy(content).into_owned(),
    }
}
