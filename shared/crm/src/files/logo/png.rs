//! PNG (ISO/IEC 15948), as far as a logo needs it.

use super::{LogoError, inflate, inspect::check_dimensions};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Longest colour profile, unpacked. Those of cameras and screens have a few kilobytes, those of printers up to one megabyte.
const MAX_PROFILE: u64 = 4 * 1024 * 1024;
/// Longest Exif block that is looked at, for how the picture is turned.
const MAX_EXIF: usize = 64 * 1024;

struct Chunk<'a> {
    kind: [u8; 4],
    data: &'a [u8],
    /// With length, kind and checksum.
    whole: &'a [u8],
}

/// Checks a PNG. Answers it with only those chunks that its pixels and its orientation need: texts and profiles are never unpacked.
pub(super) fn inspect(bytes: &[u8]) -> Result<Vec<u8>, LogoError> {
    let mut rest = bytes.strip_prefix(SIGNATURE).ok_or(UNREADABLE)?;
    let header = take(&mut rest)?;
    let longest = match (&header.kind, header.data) {
        (b"IHDR", data) if data.len() == 13 => check_header(data)?,
        _ => return Err(UNREADABLE),
    };
    let mut kept = Vec::with_capacity(bytes.len());
    kept.extend_from_slice(SIGNATURE);
    kept.extend_from_slice(header.whole);
    let mut pixels = Vec::new();
    loop {
        let chunk = take(&mut rest)?;
        match &chunk.kind {
            b"acTL" | b"fcTL" | b"fdAT" => return Err(LogoError::Animated),
            b"IHDR" => return Err(UNREADABLE),
            b"IDAT" => pixels.push(chunk.data),
            b"PLTE" | b"tRNS" | b"IEND" => {}
            b"eXIf" if chunk.data.len() <= MAX_EXIF => {}
            b"iCCP" => {
                check_profile(chunk.data)?;
                continue;
            }
            // A lower-case letter first: a decoder may pass it over. Others change what the pixels mean.
            kind if kind[0].is_ascii_lowercase() => continue,
            _ => return Err(UNREADABLE),
        }
        kept.extend_from_slice(chunk.whole);
        if &chunk.kind == b"IEND" {
            break;
        }
    }
    if !rest.is_empty() {
        return Err(LogoError::Unreadable("something is hidden behind the picture"));
    }
    if pixels.is_empty() {
        return Err(UNREADABLE);
    }
    if !inflate::fits(pixels, longest) {
        return Err(LogoError::Unreadable("it unpacks to more than its pixels"));
    }
    Ok(kept)
}

const UNREADABLE: LogoError = LogoError::Unreadable("it is no whole PNG");

/// The next chunk. Its checksum is left to the decoder.
fn take<'a>(rest: &mut &'a [u8]) -> Result<Chunk<'a>, LogoError> {
    let (length, _) = rest.split_first_chunk::<4>().ok_or(UNREADABLE)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| UNREADABLE)?;
    let (whole, behind) = length.checked_add(12).and_then(|whole| rest.split_at_checked(whole)).ok_or(UNREADABLE)?;
    *rest = behind;
    let kind = [whole[4], whole[5], whole[6], whole[7]];
    if !kind.iter().all(u8::is_ascii_alphabetic) {
        return Err(UNREADABLE);
    }
    Ok(Chunk { kind, data: &whole[8..whole.len() - 4], whole })
}

/// Checks size and kind of the pixels. Answers to how many bytes they may unpack.
fn check_header(data: &[u8]) -> Result<u64, LogoError> {
    let side = |at: usize| u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let (width, height, depth, colour, interlace) = (side(0), side(4), data[8], data[9], data[12]);
    check_dimensions(width, height)?;
    let channels = match colour {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return Err(UNREADABLE),
    };
    if !matches!(depth, 1 | 2 | 4 | 8 | 16) || interlace > 1 {
        return Err(UNREADABLE);
    }
    let row = (u64::from(width) * channels * u64::from(depth)).div_ceil(8) + 1;
    let plain = row * u64::from(height);
    // Seven passes have more rows, with a byte more for each and rounded up: never twice as much, but for the smallest pictures. A little behind
    // the last row is what some encoders leave there.
    Ok(if interlace == 1 { plain * 2 } else { plain } + 1_024)
}

/// Checks that a colour profile is no bomb.
fn check_profile(data: &[u8]) -> Result<(), LogoError> {
    let name = data.iter().take(80).position(|byte| *byte == 0).ok_or(UNREADABLE)?;
    let packed = data.get(name + 2..).ok_or(UNREADABLE)?;
    if inflate::fits([packed], MAX_PROFILE) { Ok(()) } else { Err(LogoError::Unreadable("its colour profile is too large")) }
}
