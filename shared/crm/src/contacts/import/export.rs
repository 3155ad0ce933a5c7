//! The rejected rows as a CSV file that is safe to open in a spreadsheet.

use super::model::Rejection;
use crate::spreadsheet::without_formula;

/// First line of the file.
pub const HEADER: &[u8] = b"line,field,code,message,raw\r\n";

/// The rows as CSV (RFC 4180).
pub fn to_csv(rejections: &[Rejection]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for rejection in rejections {
        let line = rejection.line.to_string();
        let field = rejection.field.as_deref().unwrap_or_default();
        let cells = [&line, field, &rejection.code, &rejection.message, &rejection.raw].map(|cell| without_formula(cell).into_owned());
        writer.write_record(&cells).expect("a vector takes all bytes");
    }
    writer.into_inner().expect("a vector takes all bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_quotes_doubled() {
        let rejection = |raw: &str| Rejection {
            line: 3,
            field: Some("phoneNumber".into()),
            code: "invalid".into(),
            message: "no such number".into(),
            raw: raw.into(),
        };
        let text = String::from_utf8(to_csv(&[rejection("=1+1,\"x\""), rejection("+49"), rejection("plain")])).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], r#"3,phoneNumber,invalid,no such number,"'=1+1,""x""""#);
        assert_eq!(rows[1], "3,phoneNumber,invalid,no such number,'+49");
        assert_eq!(rows[2], "3,phoneNumber,invalid,no such number,plain");
    }
}
