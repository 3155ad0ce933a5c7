//! Which worker has a lane, by what the workers say.

use crate::processes::Stack;

/// Place of a worker that holds at least one lane, if any does.
pub fn holder(stack: &Stack) -> Option<usize> {
    (0..stack.worker_places()).filter(|place| stack.has_worker(*place)).find(|place| {
        let log = std::fs::read_to_string(stack.worker(*place).log()).unwrap_or_default();
        let said = |word: &str| log.matches(word).count();
        said(": taken") > said(": given back")
    })
}
