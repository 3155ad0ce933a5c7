//! How long something compressed would become, without keeping any of it.

use miniz_oxide::{
    DataFormat, MZFlush,
    inflate::stream::{InflateState, inflate},
};

/// Longest part that is in memory at a time.
const WINDOW: usize = 32 * 1024;

/// Whether the zlib stream in `parts`, as far as it goes, becomes at most `limit` bytes. One that breaks off in between does not count as longer.
pub(super) fn fits<'a>(parts: impl IntoIterator<Item = &'a [u8]>, limit: u64) -> bool {
    let mut state = InflateState::new_boxed(DataFormat::Zlib);
    let mut window = vec![0; WINDOW];
    let mut length = 0_u64;
    for mut part in parts {
        loop {
            let result = inflate(&mut state, part, &mut window, MZFlush::None);
            length += result.bytes_written as u64;
            if length > limit {
                return false;
            }
            part = &part[result.bytes_consumed..];
            match result.status {
                // All was read, and what was made of it found room.
                Ok(miniz_oxide::MZStatus::Ok) if part.is_empty() && result.bytes_written < WINDOW => break,
                Ok(miniz_oxide::MZStatus::Ok) => {}
                // A stream that needs more input is told as an error of the buffer.
                Err(miniz_oxide::MZError::Buf) if part.is_empty() => break,
                // The end, or nothing that can be read: the decoder says what is wrong.
                Ok(_) | Err(_) => return true,
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::compress_to_vec_zlib;

    use super::*;

    #[test]
    fn the_length_is_told_exactly_however_the_stream_is_cut() {
        for length in [0, 1, WINDOW - 1, WINDOW, WINDOW + 1, 5_000_000] {
            let stream = compress_to_vec_zlib(&vec![7; length], 6);
            for cut in [1, 100, stream.len()] {
                assert!(fits(stream.chunks(cut), length as u64), "{length} in parts of {cut}");
                assert!(length == 0 || !fits(stream.chunks(cut), length as u64 - 1), "{length} in parts of {cut}");
            }
        }
    }

    #[test]
    fn what_is_no_stream_or_breaks_off_is_left_to_the_decoder() {
        assert!(fits([&b"not a stream at all"[..]], 1));
        let stream = compress_to_vec_zlib(&[7; 1_000], 6);
        assert!(fits([&stream[..stream.len() / 2]], 1_000));
        assert!(fits(std::iter::empty(), 0));
    }
}
