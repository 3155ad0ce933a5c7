//! WebP (RFC 9649), as far as a logo needs it.

use super::{LogoError, inspect::check_dimensions};

const UNREADABLE: LogoError = LogoError::Unreadable("it is no whole WebP");
/// The bit of the extended header that announces an animation.
const ANIMATION: u8 = 0b10;

/// Checks a WebP.
pub(super) fn inspect(bytes: &[u8]) -> Result<(), LogoError> {
    let (header, mut rest) = bytes.split_first_chunk::<12>().ok_or(UNREADABLE)?;
    let told = u64::from(u32::from_le_bytes([header[4], header[5], header[6], header[7]])) + 8;
    match (bytes.len() as u64).cmp(&told) {
        std::cmp::Ordering::Less => return Err(UNREADABLE),
        std::cmp::Ordering::Greater => return Err(LogoError::Unreadable("something is hidden behind the picture")),
        std::cmp::Ordering::Equal => {}
    }
    let mut frames = 0;
    while !rest.is_empty() {
        let (head, behind) = rest.split_first_chunk::<8>().ok_or(UNREADABLE)?;
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let data = behind.get(..length).ok_or(UNREADABLE)?;
        // Chunks have an even length; the last one may lack its padding.
        rest = behind.get(length + length % 2..).unwrap_or_default();
        match &head[..4] {
            b"VP8X" => check_canvas(data)?,
            b"ANIM" | b"ANMF" => return Err(LogoError::Animated),
            b"VP8 " => {
                check_lossy(data)?;
                frames += 1;
            }
            b"VP8L" => {
                check_lossless(data)?;
                frames += 1;
            }
            _ => {}
        }
    }
    if frames == 1 { Ok(()) } else { Err(UNREADABLE) }
}

fn check_canvas(data: &[u8]) -> Result<(), LogoError> {
    let [flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = *data else { return Err(UNREADABLE) };
    if flags & ANIMATION != 0 {
        return Err(LogoError::Animated);
    }
    check_dimensions(u32::from_le_bytes([w0, w1, w2, 0]) + 1, u32::from_le_bytes([h0, h1, h2, 0]) + 1)
}

fn check_lossy(data: &[u8]) -> Result<(), LogoError> {
    let [_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = *data else { return Err(UNREADABLE) };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    check_dimensions(side(w0, w1), side(h0, h1))
}

fn check_lossless(data: &[u8]) -> Result<(), LogoError> {
    let [0x2f, b0, b1, b2, b3, ..] = *data else { return Err(UNREADABLE) };
    let bits = u32::from_le_bytes([b0, b1, b2, b3]);
    check_dimensions((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1)
}
