//! The provider's ledger: every executed send, on disk before it is answered.
//!
//! One JSON line for each send. A line is handed to the operating system before its answer leaves, so it survives a kill of the simulator
//! (not of the machine). The file is the only store: pages are read back from it, and a cursor is a place in the file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use kernel::SharedClock;
use serde::{Deserialize, Serialize};

/// What became of the answer to an executed send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// The client was told.
    Given,
    /// The connection was closed without an answer.
    Cut,
    /// The client was told 500 and no more.
    ServerError,
}

impl Answer {
    fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Cut => "cut",
            Self::ServerError => "serverError",
        }
    }
}

/// A send to be written down.
#[derive(Debug)]
pub(crate) struct Execution<'a> {
    pub(crate) to: &'a str,
    pub(crate) phone_number_id: &'a str,
    pub(crate) message_type: &'a str,
    pub(crate) template: Option<&'a str>,
    pub(crate) language: Option<&'a str>,
    pub(crate) parameters: &'a [&'a str],
    pub(crate) text: Option<&'a str>,
    pub(crate) opaque_data: Option<&'a str>,
    pub(crate) token_id: &'a str,
    pub(crate) answer: Answer,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The provider's id of the message.
    pub wamid: String,
    /// The person: `+` and digits, or a business-scoped user id.
    pub to: String,
    /// The sending number.
    pub phone_number_id: String,
    /// `text`, `template`, …
    #[serde(rename = "type")]
    pub message_type: String,
    /// Name of the template, for a template message.
    pub template: Option<String>,
    /// Language of the template.
    #[serde(default)]
    pub language: Option<String>,
    /// Texts put into the template, in the order of the request.
    #[serde(default)]
    pub parameters: Vec<String>,
    /// Body of a text message.
    #[serde(default)]
    pub text: Option<String>,
    /// `biz_opaque_callback_data` as it came.
    pub opaque_data: Option<String>,
    /// Stands for the access token: equal for equal tokens, and not usable as one.
    pub token_id: String,
    /// Whether the client was told.
    pub answer: Answer,
    /// When the send was executed.
    pub time: DateTime<Utc>,
}

/// Some lines of the ledger, ready for the wire.
#[derive(Debug)]
pub(crate) struct LedgerPage {
    /// The lines, separated by commas.
    pub(crate) lines: Vec<u8>,
    /// The place after the last line.
    pub(crate) end: u64,
    /// Whether more lines follow.
    pub(crate) more: bool,
}

/// The file and what is about to be written to it.
#[derive(Debug)]
pub(crate) struct Ledger {
    writer: Mutex<Writer>,
    reader: File,
    clock: SharedClock,
    path: PathBuf,
    /// Makes ids unlike those of earlier starts.
    start: u64,
}

#[derive(Debug)]
struct Writer {
    file: File,
    pending: Vec<u8>,
    /// Bytes given to [`Ledger::append`], and those of them in the file.
    appended: u64,
    written: u64,
    entries: u64,
    stamp: Stamp,
    broken: bool,
}

/// A send that stands in the ledger, once [`Ledger::flush`] has returned.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) wamid: String,
    pub(crate) time: DateTime<Utc>,
    position: u64,
}

impl Ledger {
    /// Opens or creates the file. A line that a kill left half written is cut off: it was never answered, nor executed.
    pub(crate) fn open(path: &Path, clock: SharedClock) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let (whole, entries) = whole_lines(&file)?;
        file.set_len(whole)?;
        let start = u64::try_from(clock.now().timestamp_micros()).unwrap_or_default();
        // A manual clock shows the same time in many tests; ids differ all the same.
        let start = start ^ (uuid::Uuid::now_v7().as_u64_pair().1 & 0x00ff_ffff_ff00_0000);
        Ok(Self {
            reader: file.try_clone()?,
            writer: Mutex::new(Writer {
                file,
                pending: Vec::with_capacity(16 * 1024),
                appended: whole,
                written: whole,
                entries,
                stamp: Stamp::default(),
                broken: false,
            }),
            clock,
            path: path.to_owned(),
            start,
        })
    }

    /// Where the file is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of executed sends, earlier starts included.
    pub(crate) fn len(&self) -> u64 {
        self.lock().entries
    }

    /// Puts a send in line for the file. It counts as executed only after [`Self::flush`].
    pub(crate) fn append(&self, execution: &Execution<'_>) -> Receipt {
        let mut writer = self.lock();
        let writer = &mut *writer;
        let time = self.clock.now();
        let wamid = wamid(self.start, writer.entries);
        let before = writer.pending.len();
        write_line(&mut writer.pending, execution, &wamid, writer.stamp.text(time));
        writer.entries += 1;
        writer.appended += (writer.pending.len() - before) as u64;
        Receipt { wamid, time, position: writer.appended }
    }

    /// Hands everything up to the receipt to the operating system; does nothing when another send's flush already did.
    pub(crate) fn flush(&self, receipt: &Receipt) -> io::Result<()> {
        let mut writer = self.lock();
        if writer.broken {
            return Err(io::Error::other("an earlier write to the ledger failed"));
        }
        if writer.written >= receipt.position {
            return Ok(());
        }
        let writer = &mut *writer;
        if let Err(error) = writer.file.write_all(&writer.pending) {
            // What is in the file now is unknown, so nothing more is executed.
            writer.broken = true;
            return Err(error);
        }
        writer.pending.clear();
        writer.written = writer.appended;
        Ok(())
    }

    /// Up to `limit` lines from the place `after` on. `None` when that is not the beginning of a line.
    pub(crate) fn page(&self, after: u64, limit: usize) -> io::Result<Option<LedgerPage>> {
        const CHUNK: usize = 256 * 1024;
        let end_of_file = self.lock().written;
        if after > end_of_file {
            return Ok(None);
        }
        if after > 0 {
            let mut previous = [0];
            self.reader.read_exact_at(&mut previous, after - 1)?;
            if previous != *b"\n" {
                return Ok(None);
            }
        }
        let (mut lines, mut taken, mut end) = (Vec::new(), 0, after);
        let mut chunk = vec![0; CHUNK];
        while taken < limit && end < end_of_file {
            let wanted = CHUNK.min(usize::try_from(end_of_file - end).unwrap_or(CHUNK));
            self.reader.read_exact_at(&mut chunk[..wanted], end)?;
            let before = end;
            for line in chunk[..wanted].split_inclusive(|byte| *byte == b'\n') {
                if taken == limit || line.last() != Some(&b'\n') {
                    break;
                }
                if taken > 0 {
                    lines.push(b',');
                }
                lines.extend_from_slice(&line[..line.len() - 1]);
                end += line.len() as u64;
                taken += 1;
            }
            if end == before {
                return Err(io::Error::other("a line of the ledger is longer than any send"));
            }
        }
        Ok(Some(LedgerPage { lines, end, more: end < end_of_file }))
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the ledger of a simulator, running or not; a half-written last line is left out.
pub fn read(path: &Path) -> io::Result<Vec<LedgerEntry>> {
    std::fs::read(path)?
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.last() == Some(&b'\n'))
        .map(|line| serde_json::from_slice(line).map_err(io::Error::from))
        .collect()
}

/// Length and number of the complete lines.
fn whole_lines(file: &File) -> io::Result<(u64, u64)> {
    let (mut offset, mut whole, mut lines) = (0_u64, 0_u64, 0_u64);
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let read = file.read_at(&mut chunk, offset)?;
        if read == 0 {
            return Ok((whole, lines));
        }
        for (index, byte) in chunk[..read].iter().enumerate() {
            if *byte == b'\n' {
                lines += 1;
                whole = offset + index as u64 + 1;
            }
        }
        offset += read as u64;
    }
}

fn wamid(start: u64, entry: u64) -> String {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&[0x1d, 0x0b, 0x0c, 0x15]);
    bytes[4..12].copy_from_slice(&start.to_be_bytes());
    bytes[12..].copy_from_slice(&entry.to_be_bytes());
    let mut wamid = String::with_capacity(36);
    wamid.push_str("wamid.");
    STANDARD.encode_string(bytes, &mut wamid);
    wamid
}

fn write_line(line: &mut Vec<u8>, execution: &Execution<'_>, wamid: &str, time: &str) {
    line.extend_from_slice(b"{\"wamid\":\"");
    line.extend_from_slice(wamid.as_bytes());
    line.extend_from_slice(b"\",\"to\":");
    write_text(line, Some(execution.to));
    line.extend_from_slice(b",\"phoneNumberId\":");
    write_text(line, Some(execution.phone_number_id));
    line.extend_from_slice(b",\"type\":");
    write_text(line, Some(execution.message_type));
    line.extend_from_slice(b",\"template\":");
    write_text(line, execution.template);
    if execution.language.is_some() {
        line.extend_from_slice(b",\"language\":");
        write_text(line, execution.language);
    }
    if !execution.parameters.is_empty() {
        line.extend_from_slice(b",\"parameters\":");
        for (index, parameter) in execution.parameters.iter().enumerate() {
            line.push(if index == 0 { b'[' } else { b',' });
            write_text(line, Some(parameter));
        }
        line.push(b']');
    }
    if execution.text.is_some() {
        line.extend_from_slice(b",\"text\":");
        write_text(line, execution.text);
    }
    line.extend_from_slice(b",\"opaqueData\":");
    write_text(line, execution.opaque_data);
    line.extend_from_slice(b",\"tokenId\":");
    write_text(line, Some(execution.token_id));
    line.extend_from_slice(b",\"answer\":\"");
    line.extend_from_slice(execution.answer.name().as_bytes());
    line.extend_from_slice(b"\",\"time\":\"");
    line.extend_from_slice(time.as_bytes());
    line.extend_from_slice(b"\"}\n");
}

/// A JSON string, or null.
pub(crate) fn write_text(out: &mut Vec<u8>, text: Option<&str>) {
    serde_json::to_writer(out, &text).expect("a string is always JSON, and a vector takes it");
}

/// RFC 3339 with microseconds; the part down to the second is kept, as thousands of sends share it.
#[derive(Debug, Default)]
struct Stamp {
    second: i64,
    text: String,
}

impl Stamp {
    fn text(&mut self, time: DateTime<Utc>) -> &str {
        const SECONDS: usize = "2026-01-01T00:00:00".len();
        if self.second != time.timestamp() || self.text.is_empty() {
            self.second = time.timestamp();
            self.text = time.to_rfc3339_opts(SecondsFormat::Secs, true);
            self.text.truncate(SECONDS);
        }
        self.text.truncate(SECONDS);
        let micros = time.timestamp_subsec_micros().min(999_999);
        let mut digits = *b".000000Z";
        for (index, divisor) in [100_000, 10_000, 1_000, 100, 10, 1].into_iter().enumerate() {
            digits[index + 1] += u8::try_from(micros / divisor % 10).unwrap_or_default();
        }
        self.text.push_str(std::str::from_utf8(&digits).unwrap_or_default());
        &self.text
    }
}
