//! How deep and how long a JSON value is, found out at bounded cost.

use std::io;

use serde_json::Value;

/// Whether lists and objects lie at most `most` deep in each other. Does not recurse.
pub(super) fn is_shallow(value: &Value, most: usize) -> bool {
    let mut left = vec![(value, 0)];
    while let Some((value, around)) = left.pop() {
        let depth = around + usize::from(value.is_array() || value.is_object());
        if depth > most {
            return false;
        }
        match value {
            Value::Array(items) => left.extend(items.iter().map(|item| (item, depth))),
            Value::Object(fields) => left.extend(fields.values().map(|field| (field, depth))),
            _ => {}
        }
    }
    true
}

/// Whether it takes at most `most` bytes as JSON. Stops writing where it does not. Recurses: ask [`is_shallow`] before.
pub(super) fn is_short(value: &Value, most: usize) -> bool {
    serde_json::to_writer(Room(most), value).is_ok()
}

/// Takes so many bytes and throws them away.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::WriteZero)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
