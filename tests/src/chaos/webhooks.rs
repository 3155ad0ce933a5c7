//! The statuses that our side has taken, by the simulator's log.

use std::{collections::HashMap, fs, path::Path};

use kernel::AttemptId;
use serde_json::Value;

/// For each attempt, the greatest state (6 sent, 7 failed, 8 delivered, 9 read) of the statuses answered 200.
///
/// # Errors
/// When the log cannot be read.
pub(super) fn acknowledged(log: &Path) -> std::io::Result<HashMap<AttemptId, i16>> {
    let mut greatest = HashMap::new();
    let text = fs::read_to_string(log)
        .or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(String::new()) } else { Err(error) })?;
    for line in text.lines() {
        let Ok(tried) = serde_json::from_str::<Value>(line) else { continue };
        if tried["status"] != 200 {
            continue;
        }
        for (attempt, rank) in statuses(&tried["body"]) {
            let known = greatest.entry(attempt).or_insert(rank);
            *known = rank.max(*known);
        }
    }
    Ok(greatest)
}

fn statuses(body: &Value) -> impl Iterator<Item = (AttemptId, i16)> {
    let list = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let values = list(&body["entry"]).into_iter().flat_map(move |entry| list(&entry["changes"]));
    values.flat_map(|change| change["value"]["statuses"].as_array().cloned().unwrap_or_default()).filter_map(|status| {
        let attempt = AttemptId::decode(status["biz_opaque_callback_data"].as_str()?)?;
        let rank = match status["status"].as_str()? {
            "sent" => 6,
            "failed" => 7,
            "delivered" => 8,
            "read" => 9,
            _ => return None,
        };
        Some((attempt, rank))
    })
}
