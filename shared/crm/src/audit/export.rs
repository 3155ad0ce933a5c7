//! Entries as a CSV file that is safe to open in a spreadsheet.

use chrono::SecondsFormat;

use super::model::AuditEvent;
use crate::spreadsheet::without_formula;

/// First line of the file.
pub const HEADER: &[u8] = b"seq,at,actorKind,actorId,actorName,action,targetKind,targetId,details\r\n";

/// The entries as CSV (RFC 4180).
pub fn to_csv(events: &[AuditEvent]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for event in events {
        let (target_kind, target_id) = event.target.as_ref().map(|(kind, id)| (kind.as_str(), id.as_str())).unwrap_or_default();
        let details = if event.details.is_null() { String::new() } else { event.details.to_string() };
        let cells = [
            &event.seq.to_string(),
            &event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            event.actor.kind.as_str(),
            event.actor.id.as_deref().unwrap_or_default(),
            event.actor.name.as_deref().unwrap_or_default(),
            &event.action,
            target_kind,
            target_id,
            &details,
        ];
        writer.write_record(cells.map(|cell| without_formula(cell).into_owned())).expect("a vector takes all bytes");
    }
    writer.into_inner().expect("a vector takes all bytes")
}
