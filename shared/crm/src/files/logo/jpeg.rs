//! JPEG (ITU-T T.81), as far as a logo needs it.

use super::{LogoError, inspect::check_dimensions};

/// Most scans. Progressive pictures have about ten; each one costs a walk over all pixels.
const MAX_SCANS: usize = 64;

const UNREADABLE: LogoError = LogoError::Unreadable("it is no whole JPEG");

/// Checks a JPEG.
pub(super) fn inspect(bytes: &[u8]) -> Result<(), LogoError> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(UNREADABLE)?;
    let mut sized = false;
    loop {
        let marker = take_marker(&mut rest)?;
        let (length, _) = rest.split_first_chunk::<2>().ok_or(UNREADABLE)?;
        let (segment, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(UNREADABLE)?;
        let data = segment.get(2..).ok_or(UNREADABLE)?;
        match marker {
            // Start of a frame, whatever its coding; 0xc4, 0xc8 and 0xcc are other things.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                if sized {
                    return Err(UNREADABLE);
                }
                check_frame(data)?;
                sized = true;
            }
            0xda => break,
            _ => {}
        }
        rest = behind;
    }
    if !sized {
        return Err(UNREADABLE);
    }
    // From the first scan on, 0xff is followed by something else than 0 at markers only.
    let markers = |marker: u8| rest.windows(2).filter(|pair| **pair == [0xff, marker]).count();
    if markers(0xd9) == 0 {
        return Err(UNREADABLE);
    }
    if markers(0xda) >= MAX_SCANS {
        return Err(LogoError::Unreadable("it has too many scans"));
    }
    Ok(())
}

/// The next marker, which any number of 0xff may precede.
fn take_marker(rest: &mut &[u8]) -> Result<u8, LogoError> {
    *rest = rest.strip_prefix(&[0xff]).ok_or(UNREADABLE)?;
    let at = rest.iter().position(|byte| *byte != 0xff).ok_or(UNREADABLE)?;
    let marker = rest[at];
    *rest = &rest[at + 1..];
    // Those without a segment have no place before the first scan.
    if matches!(marker, 0x00 | 0x01 | 0xd0..=0xd9) { Err(UNREADABLE) } else { Ok(marker) }
}

fn check_frame(data: &[u8]) -> Result<(), LogoError> {
    let [_precision, h0, h1, w0, w1, components, ..] = *data else { return Err(UNREADABLE) };
    check_dimensions(u16::from_be_bytes([w0, w1]).into(), u16::from_be_bytes([h0, h1]).into())?;
    match components {
        1 | 3 => Ok(()),
        4 => Err(LogoError::TypeUnsupported("the JPEG is made for print (CMYK); save it as RGB")),
        _ => Err(UNREADABLE),
    }
}
