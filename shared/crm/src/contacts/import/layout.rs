//! What the columns of a file mean: its header, the delimiter, and the renames a client asked for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::framing;
use crate::{contacts::model::MAX_ATTRIBUTE_NAME, fields::FieldError};

/// Most columns of a file.
const MAX_COLUMNS: usize = 100;
/// Most renames, and the longest name in one.
const MAX_RENAMES: usize = 100;

/// Renames of columns: header in the file → contact field or attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(BTreeMap<String, String>);

impl Mapping {
    /// Reads `{"Mobile":"phoneNumber"}` or `Mobile:phoneNumber,Full name:name`.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let bad = || FieldError::new("mapping", "invalid", "a JSON object of texts, or `from:to,from:to`");
        let text = text.trim();
        let renames: BTreeMap<String, String> = if text.is_empty() {
            BTreeMap::new()
        } else if text.starts_with('{') {
            serde_json::from_str(text).map_err(|_| bad())?
        } else {
            let pairs = text.split(',').map(|pair| pair.split_once(':').ok_or_else(bad));
            pairs.map(|pair| pair.map(|(from, to)| (from.trim().to_owned(), to.trim().to_owned()))).collect::<Result<_, _>>()?
        };
        let fits = |name: &String| !name.is_empty() && name.len() <= 256 && !name.contains('\0');
        if renames.len() > MAX_RENAMES || !renames.iter().all(|(from, to)| fits(from) && fits(to)) {
            return Err(bad());
        }
        Ok(Self(renames))
    }
}

/// What a column fills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Column {
    /// The number: a row needs one.
    PhoneNumber,
    /// The name.
    Name,
    /// The e-mail address.
    Email,
    /// Tags, divided by `;` or `|`.
    Tags,
    /// Consent.
    OptIn,
    /// Language.
    Locale,
    /// Time zone.
    TimeZone,
    /// A free field of this name.
    Attribute(String),
    /// Nothing: the header is empty.
    Ignored,
}

/// How to read the rows of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    /// What divides fields.
    pub delimiter: u8,
    /// Meaning of each column.
    pub columns: Vec<Column>,
}

/// Why a file as a whole cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// There is nothing but blank lines.
    #[error("no-header: the file is empty")]
    NoHeader,
    /// Another encoding, or no text at all.
    #[error("not-csv: the file is not a UTF-8 text; save it as `CSV UTF-8`")]
    NotCsv,
    /// The header cannot be read.
    #[error("broken-header: {0}")]
    BrokenHeader(&'static str),
    /// No column has the number.
    #[error("no-phone-number-column: the header names no column `phoneNumber`; rename one by `mapping`")]
    NoPhoneNumberColumn,
    /// Two columns fill the same field.
    #[error("duplicate-column: the header names `{0}` twice")]
    DuplicateColumn(String),
    /// Too many columns.
    #[error("too-many-columns: a file has at most {MAX_COLUMNS} columns")]
    TooManyColumns,
    /// A name is too long or has characters that a name cannot have.
    #[error("bad-column-name: the name of column {0} has more than {MAX_ATTRIBUTE_NAME} characters or control characters")]
    BadColumnName(usize),
}

/// A header that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How to read the rows.
    pub layout: Layout,
    /// Where the rows begin in the file.
    pub offset: u64,
    /// Line on which they begin.
    pub line: u64,
}

/// Reads the header from the first window of a file.
pub fn read_header(window: &[u8], at_end: bool, mapping: &Mapping) -> Result<Header, LayoutError> {
    let body = window.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(window);
    let skipped = window.len() - body.len();
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).ok_or(LayoutError::NoHeader)?;
    // The first line decides the delimiter, so it is looked at before anything is framed.
    let first_line = body[start..].split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    if first_line.contains(&0) || body.starts_with(b"\xFF\xFE") || body.starts_with(b"\xFE\xFF") {
        return Err(LayoutError::NotCsv);
    }
    let delimiter = delimiter_of(first_line);
    let framed = framing::frame(body, at_end, delimiter, 1, 1);
    let record = framed.records.first().ok_or(LayoutError::NoHeader)?;
    if let Some(problem) = record.problem {
        return Err(LayoutError::BrokenHeader(problem.message()));
    }
    let text = str::from_utf8(&body[record.bytes.clone()]).map_err(|_| LayoutError::NotCsv)?;
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let record = reader.records().next().and_then(Result::ok).ok_or(LayoutError::NotCsv)?;
    let columns = columns_of(&record, mapping)?;
    Ok(Header { layout: Layout { delimiter, columns }, offset: (skipped + framed.consumed) as u64, line: framed.next_line })
}

/// The one of `,`, `;` and tab that stands most often in the line; a comma in case of doubt.
fn delimiter_of(line: &[u8]) -> u8 {
    let count = |wanted: u8| {
        let outside_quotes = line.iter().scan(false, |quoted, &byte| {
            *quoted ^= byte == b'"';
            Some((*quoted, byte))
        });
        outside_quotes.filter(|&(quoted, byte)| !quoted && byte == wanted).count()
    };
    [b'\t', b';', b','].into_iter().max_by_key(|&delimiter| count(delimiter)).unwrap_or(b',')
}

fn columns_of(header: &csv::StringRecord, mapping: &Mapping) -> Result<Vec<Column>, LayoutError> {
    if header.len() > MAX_COLUMNS {
        return Err(LayoutError::TooManyColumns);
    }
    let mut columns = Vec::with_capacity(header.len());
    for (index, name) in header.iter().enumerate() {
        let name = name.trim();
        let name = mapping.0.get(name).map_or(name, String::as_str);
        let column = column_of(name);
        if matches!(&column, Column::Attribute(name) if name.chars().count() > MAX_ATTRIBUTE_NAME || name.chars().any(char::is_control)) {
            return Err(LayoutError::BadColumnName(index + 1));
        }
        if column != Column::Ignored && columns.contains(&column) {
            return Err(LayoutError::DuplicateColumn(name.to_owned()));
        }
        columns.push(column);
    }
    if columns.contains(&Column::PhoneNumber) { Ok(columns) } else { Err(LayoutError::NoPhoneNumberColumn) }
}

/// Names of fields are known in any letter case, also written `phone_number` or `Phone number`.
fn column_of(name: &str) -> Column {
    let folded: String = name.chars().filter(|c| !matches!(c, ' ' | '_' | '-')).flat_map(char::to_lowercase).collect();
    match folded.as_str() {
        "" => Column::Ignored,
        "phonenumber" => Column::PhoneNumber,
        "name" => Column::Name,
        "email" => Column::Email,
        "tags" => Column::Tags,
        "optin" => Column::OptIn,
        "locale" => Column::Locale,
        "timezone" => Column::TimeZone,
        _ => Column::Attribute(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<Header, LayoutError> {
        read_header(text.as_bytes(), true, &Mapping::default())
    }

    #[test]
    fn a_header_names_fields_and_attributes() {
        let found = header("\u{feff}\r\n phoneNumber ,Name,opt_in,City\n+49,x,y,z").unwrap();
        assert_eq!(found.layout.columns, [Column::PhoneNumber, Column::Name, Column::OptIn, Column::Attribute("City".into())]);
        assert_eq!((found.layout.delimiter, found.offset, found.line), (b',', 36, 3));
    }

    #[test]
    fn semicolons_and_tabs_are_recognized() {
        assert_eq!(header("name;phoneNumber;\"a,b,c,d\"\n").unwrap().layout.delimiter, b';');
        assert_eq!(header("name\tphoneNumber\n").unwrap().layout.delimiter, b'\t');
        assert_eq!(header("phoneNumber\n").unwrap().layout.delimiter, b',');
    }

    #[test]
    fn files_that_are_none_are_named() {
        assert_eq!(header(" \n\n").unwrap_err(), LayoutError::NoHeader);
        assert_eq!(header("").unwrap_err(), LayoutError::NoHeader);
        assert_eq!(header("name,email\n").unwrap_err(), LayoutError::NoPhoneNumberColumn);
        assert_eq!(header("phoneNumber,name,Name\n").unwrap_err(), LayoutError::DuplicateColumn("Name".into()));
        assert_eq!(read_header(b"PK\x03\x04\x00\x00", true, &Mapping::default()).unwrap_err(), LayoutError::NotCsv);
        assert_eq!(read_header(b"\xff\xfep\0h\0", true, &Mapping::default()).unwrap_err(), LayoutError::NotCsv);
        assert_eq!(read_header(b"phoneNumber,\xff\n", true, &Mapping::default()).unwrap_err(), LayoutError::NotCsv);
        assert!(matches!(header("\"phoneNumber\n").unwrap_err(), LayoutError::BrokenHeader(_)));
    }

    #[test]
    fn columns_are_renamed() {
        for mapping in [r#"{"Mobile":"phoneNumber","Ort":"city"}"#, "Mobile:phoneNumber, Ort:city"] {
            let mapping = Mapping::parse(mapping).unwrap();
            let found = read_header(b"Mobile,Ort\n", true, &mapping).unwrap();
            assert_eq!(found.layout.columns, [Column::PhoneNumber, Column::Attribute("city".into())]);
        }
        for mapping in ["Mobile", "{]", r#"{"a":1}"#, ":b"] {
            assert_eq!(Mapping::parse(mapping).unwrap_err().code, "invalid", "{mapping}");
        }
    }
}
