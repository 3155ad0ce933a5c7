//! From the bytes of a batch to contacts or rejections. Pure, and the part that costs: it runs off the async threads.

use kernel::PhoneNumber;
use serde_json::{Map, Value};

use super::{
    framing::Record,
    layout::{Column, Layout},
    model::Rejection,
};
use crate::{
    contacts::model::{self, OptIn},
    fields::FieldError,
};

/// Longest cell, in bytes.
const MAX_CELL: usize = 4 * 1024;
/// Bytes of a rejected row that are kept.
const MAX_RAW: usize = 4 * 1024;

/// A row that can become a contact. `None` and empty mean that the cell is empty.
#[derive(Clone, Debug)]
pub struct ImportRow {
    /// The number.
    pub phone_number: PhoneNumber,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Tags to add.
    pub tags: Vec<String>,
    /// Attributes to set.
    pub attributes: Map<String, Value>,
    /// Consent.
    pub opt_in: Option<OptIn>,
    /// Language.
    pub locale: Option<String>,
    /// Time zone.
    pub time_zone: Option<String>,
}

/// What a batch holds.
#[derive(Debug, Default)]
pub struct ParsedRows {
    /// Good rows, in the order of the file.
    pub rows: Vec<ImportRow>,
    /// The others.
    pub rejections: Vec<Rejection>,
}

/// Parses the framed records of a window.
pub fn parse(window: &[u8], records: &[Record], layout: &Layout) -> ParsedRows {
    let mut parsed = ParsedRows::default();
    let good: Vec<&Record> = records.iter().filter(|record| record.problem.is_none()).collect();
    let mut text = Vec::with_capacity(good.iter().map(|record| record.bytes.len() + 1).sum());
    for record in &good {
        text.extend_from_slice(&window[record.bytes.clone()]);
        text.push(b'\n');
    }
    let mut reader = csv::ReaderBuilder::new().delimiter(layout.delimiter).has_headers(false).flexible(true).from_reader(text.as_slice());
    let mut fields = csv::ByteRecord::new();
    for record in records {
        let raw = &window[record.bytes.clone()];
        let outcome = match record.problem {
            Some(problem) => Err(FieldError::new("", problem.code(), problem.message())),
            None => match reader.read_byte_record(&mut fields) {
                Ok(true) => row(&fields, layout),
                Ok(false) | Err(_) => Err(FieldError::new("", "not-csv", "the line cannot be read as CSV")),
            },
        };
        match outcome {
            Ok(row) => parsed.rows.push(row),
            Err(error) => parsed.rejections.push(rejection(record.line, error, raw)),
        }
    }
    parsed
}

fn row(fields: &csv::ByteRecord, layout: &Layout) -> Result<ImportRow, FieldError> {
    let mut phone_number = None;
    let mut found = Found::default();
    for (index, cell) in fields.iter().enumerate() {
        let column = layout.columns.get(index);
        let field = || column.map_or("", field_name);
        let cell = str::from_utf8(cell).map_err(|_| FieldError::new(field(), "invalid-utf8", "the text is not UTF-8"))?.trim();
        if cell.is_empty() {
            continue;
        }
        let Some(column) = column else {
            return Err(FieldError::new("", "too-many-fields", format!("the row has more than {} fields", layout.columns.len())));
        };
        if cell.len() > MAX_CELL {
            return Err(FieldError::new(field(), "field-too-long", "a cell has at most 4 kB"));
        }
        if cell.contains('\0') {
            return Err(FieldError::new(field(), "control-character", "the text contains a NUL character"));
        }
        match column {
            Column::PhoneNumber => phone_number = Some(model::phone_number(cell)?),
            Column::Name => found.name = Some(model::name(&one_line(cell))?),
            Column::Email => found.email = Some(model::email(cell)?.as_str().to_owned()),
            Column::Tags => found.tags = model::tags(&cell.split([';', '|']).collect::<Vec<_>>())?,
            Column::OptIn => found.opt_in = Some(opt_in(cell)?),
            Column::Locale => found.locale = Some(model::locale(cell)?),
            Column::TimeZone => found.time_zone = Some(model::time_zone(cell)?),
            Column::Attribute(name) => {
                found.attributes.insert(name.clone(), Value::String(cell.to_owned()));
            }
            Column::Ignored => {}
        }
    }
    model::check_attributes(&found.attributes)?;
    let Some(phone_number) = phone_number else {
        return Err(FieldError::new("phoneNumber", "missing", "the row has no phone number"));
    };
    Ok(ImportRow {
        phone_number,
        name: found.name,
        email: found.email,
        tags: found.tags,
        attributes: found.attributes,
        opt_in: found.opt_in,
        locale: found.locale,
        time_zone: found.time_zone,
    })
}

/// Cells of a row as they are met.
#[derive(Default)]
struct Found {
    name: Option<String>,
    email: Option<String>,
    tags: Vec<String>,
    attributes: Map<String, Value>,
    opt_in: Option<OptIn>,
    locale: Option<String>,
    time_zone: Option<String>,
}

fn opt_in(cell: &str) -> Result<OptIn, FieldError> {
    let choices = [OptIn::OptedIn, OptIn::OptedOut, OptIn::Unknown];
    let choice = choices.into_iter().find(|choice| choice.as_str().eq_ignore_ascii_case(cell));
    choice.ok_or_else(|| FieldError::new("optIn", "invalid", "one of `optedIn`, `optedOut`, `unknown`"))
}

/// Line breaks inside a name become blanks.
fn one_line(text: &str) -> String {
    text.split(['\r', '\n', '\t']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn field_name(column: &Column) -> &str {
    match column {
        Column::PhoneNumber => "phoneNumber",
        Column::Name => "name",
        Column::Email => "email",
        Column::Tags => "tags",
        Column::OptIn => "optIn",
        Column::Locale => "locale",
        Column::TimeZone => "timeZone",
        Column::Attribute(name) => name,
        Column::Ignored => "",
    }
}

fn rejection(line: u64, error: FieldError, raw: &[u8]) -> Rejection {
    let cut = raw.len().min(MAX_RAW);
    Rejection {
        line: i64::try_from(line).unwrap_or(i64::MAX),
        field: Some(error.field).filter(|field| !field.is_empty()),
        code: error.code.to_owned(),
        message: error.message,
        raw: String::from_utf8_lossy(&raw[..cut]).replace('\0', "\u{fffd}"),
    }
}
