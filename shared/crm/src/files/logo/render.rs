//! Decodes a picture, makes it fit and encodes it anew.

use std::{
    io::{self, BufRead, Cursor, Read, Seek, SeekFrom},
    time::Instant,
};

use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageResult, Limits, RgbaImage,
    codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder},
    imageops::FilterType,
};

use super::{
    FITS, Logo, LogoError, MAX_ALLOCATION, MAX_SIDE,
    inspect::{Format, Picture, check_dimensions},
};

/// Of 100: about where more bytes cannot be seen.
const QUALITY: f32 = 85.0;

/// Makes the logo. Reading stops at `deadline`.
pub(super) fn render(picture: &Picture<'_>, deadline: Instant) -> Result<Logo, LogoError> {
    let image = decode(picture, deadline).map_err(|error| refusal(&error))??;
    let image = fit(image);
    let (width, height) = (image.width(), image.height());
    // What the picture carried beside its pixels stays behind here.
    let encoded = match &image {
        DynamicImage::ImageRgba8(pixels) => webp::Encoder::from_rgba(pixels, width, height).encode_simple(false, QUALITY),
        other => webp::Encoder::from_rgb(&other.to_rgb8(), width, height).encode_simple(false, QUALITY),
    };
    let encoded = encoded.map_err(|_| LogoError::Unreadable("it cannot be made a WebP"))?;
    Ok(Logo { bytes: Bytes::copy_from_slice(&encoded), width, height })
}

fn decode(picture: &Picture<'_>, deadline: Instant) -> ImageResult<Result<DynamicImage, LogoError>> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    let source = Until { source: Cursor::new(&*picture.bytes), deadline };
    match picture.format {
        Format::Png => pixels(PngDecoder::with_limits(source, limits.clone())?, limits),
        Format::Jpeg => pixels(JpegDecoder::new(source)?, limits),
        Format::Webp => pixels(WebPDecoder::new(source)?, limits),
    }
}

/// The pixels as eight bits a channel, turned as the picture says.
fn pixels(mut decoder: impl ImageDecoder, mut limits: Limits) -> ImageResult<Result<DynamicImage, LogoError>> {
    let (width, height) = decoder.dimensions();
    // The decoder's word counts, not only what was read from the outside.
    if let Err(error) = check_dimensions(width, height) {
        return Ok(Err(error));
    }
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let image = DynamicImage::from_decoder(decoder)?;
    let has_alpha = image.color().has_alpha();
    let mut image = if has_alpha { DynamicImage::ImageRgba8(image.into_rgba8()) } else { DynamicImage::ImageRgb8(image.into_rgb8()) };
    image.apply_orientation(orientation);
    Ok(Ok(image))
}

/// Makes a picture fit, without making it larger.
fn fit(image: DynamicImage) -> DynamicImage {
    if image.width() <= FITS && image.height() <= FITS {
        return image;
    }
    match image {
        DynamicImage::ImageRgba8(mut pixels) => {
            // What cannot be seen must not colour what can: colours count as much as they show.
            weigh(&mut pixels);
            let smaller = DynamicImage::ImageRgba8(pixels).resize(FITS, FITS, FilterType::Lanczos3);
            let mut pixels = smaller.into_rgba8();
            unweigh(&mut pixels);
            DynamicImage::ImageRgba8(pixels)
        }
        other => other.resize(FITS, FITS, FilterType::Lanczos3),
    }
}

fn weigh(pixels: &mut RgbaImage) {
    for pixel in pixels.chunks_exact_mut(4) {
        match pixel[3] {
            // Most pixels are the one or the other.
            u8::MAX => {}
            0 => pixel.fill(0),
            alpha => {
                for colour in &mut pixel[..3] {
                    *colour = u8::try_from((u16::from(*colour) * u16::from(alpha) + 127) / 255).unwrap_or(u8::MAX);
                }
            }
        }
    }
}

fn unweigh(pixels: &mut RgbaImage) {
    for pixel in pixels.chunks_exact_mut(4) {
        match pixel[3] {
            u8::MAX => {}
            0 => pixel.fill(0),
            alpha => {
                for colour in &mut pixel[..3] {
                    *colour = u8::try_from((u16::from(*colour) * 255 + u16::from(alpha) / 2) / u16::from(alpha)).unwrap_or(u8::MAX);
                }
            }
        }
    }
}

fn refusal(error: &ImageError) -> LogoError {
    match error {
        ImageError::Limits(_) => LogoError::Unreadable("it needs more memory than a logo may"),
        ImageError::IoError(error) if error.kind() == io::ErrorKind::TimedOut => LogoError::Unreadable("it takes too long to read"),
        ImageError::Unsupported(_) => LogoError::Unreadable("it uses a part of its format that few do"),
        _ => LogoError::Unreadable("it is broken"),
    }
}

/// Bytes that cannot be read after a deadline: a decoder that takes long asks for more of them in between.
struct Until<'a> {
    source: Cursor<&'a [u8]>,
    deadline: Instant,
}

impl Until<'_> {
    fn check(&self) -> io::Result<()> {
        if Instant::now() < self.deadline { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }
}

impl Read for Until<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.source.read(buffer)
    }
}

impl BufRead for Until<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.source.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.source.consume(amount);
    }
}

impl Seek for Until<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.source.seek(position)
    }
}
