//! What must not happen when somebody opens a file of ours in a spreadsheet.

use std::borrow::Cow;

/// A cell that a spreadsheet would run as a formula gets an apostrophe in front.
///
/// # Source
/// OWASP ASVS 5, 1.2.10: `=`, `+`, `-`, `@`, tab, carriage return, NUL and the full-width forms.
pub(crate) fn without_formula(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\0', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}
