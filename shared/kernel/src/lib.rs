//! Pure values that every other crate speaks in: identifiers, time, phone numbers, e-mail addresses, attempt ids and page cursors.
//!
//! Nothing here does I/O, and nothing knows tenants' rights, rows or HTTP. (sqlx is named only for the column encoding of ids.)

pub mod attempt;
pub mod clock;
pub mod email;
pub mod ids;
pub mod page;
pub mod phone;

pub use attempt::AttemptId;
pub use clock::{Clock, ManualClock, SharedClock, SystemClock};
pub use email::EmailAddress;
pub use ids::*;
pub use page::{Cursor, Page, PageRequest};
pub use phone::PhoneNumber;
