//! Pictures for tests: good ones, and those that are built to do harm. All are made here, none is kept.

use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage, codecs::jpeg::JpegEncoder};
use miniz_oxide::deflate::compress_to_vec_zlib;

/// An upload and what becomes of it.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What it is.
    pub name: &'static str,
    /// The type that it is said to be.
    pub declared: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The problem type that it is refused with; none when it is a logo.
    pub refusal: Option<&'static str>,
}

impl Sample {
    fn bad(name: &'static str, declared: &'static str, bytes: Vec<u8>, refusal: &'static str) -> Self {
        Self { name, declared, bytes, refusal: Some(refusal) }
    }

    fn good(name: &'static str, declared: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, declared, bytes, refusal: None }
    }
}

const ZEROS: usize = 50_000_000;
const GREY: u8 = 0;
const RGBA: u8 = 6;

/// Uploads that are refused.
pub fn refused() -> Vec<Sample> {
    let zeros = compress_to_vec_zlib(&vec![0; ZEROS], 9);
    assert!(zeros.len() < 60_000, "50 MB of zeros take {} bytes", zeros.len());
    let profile = [b"bomb\0\0", &zeros[..]].concat();
    let (small, photo, lossless) = (png(40, 30), jpeg(40, 30), webp(40, 30));
    let half = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
    let html = b"<html><script>alert(1)</script></html>";
    let mut flipped = small.clone();
    let pixels = flipped.windows(4).position(|window| window == b"IDAT").expect("pixels");
    flipped[pixels + 8] ^= 1;
    let one = chunk(*b"IDAT", &compress_to_vec_zlib(&[0, 1, 2, 3, 4], 6));
    vec![
        Sample::bad("60,000 × 60,000", "image/png", png_of(header(60_000, 60_000, 8, RGBA), std::slice::from_ref(&one)), "logo-dimensions"),
        Sample::bad("nothing but the header of such", "image/png", png_of(header(60_000, 60_000, 8, RGBA), &[]), "logo-dimensions"),
        Sample::bad(
            "50 MB of zeros as pixels",
            "image/png",
            png_of(header(5_000, 10_000, 8, GREY), &[chunk(*b"IDAT", &zeros)]),
            "logo-dimensions",
        ),
        Sample::bad(
            "50 MB of zeros behind the pixels",
            "image/png",
            png_of(header(100, 100, 8, GREY), &[chunk(*b"IDAT", &zeros)]),
            "logo-unreadable",
        ),
        Sample::bad(
            "50 MB of colour profile",
            "image/png",
            png_of(header(1, 1, 8, RGBA), &[chunk(*b"iCCP", &profile), one.clone()]),
            "logo-unreadable",
        ),
        Sample::bad("a GIF named PNG", "image/png", gif(), "logo-type-unsupported"),
        Sample::bad("a GIF", "image/gif", gif(), "logo-type-unsupported"),
        Sample::bad("an SVG", "image/svg+xml", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), "logo-type-unsupported"),
        Sample::bad("nothing", "image/png", Vec::new(), "logo-type-unsupported"),
        Sample::bad("a PNG named JPEG", "image/jpeg", small.clone(), "logo-type-unsupported"),
        Sample::bad("HTML before a picture", "image/png", [html, &small[..]].concat(), "logo-type-unsupported"),
        Sample::bad("HTML behind a picture", "image/png", [&small[..], html].concat(), "logo-unreadable"),
        Sample::bad("HTML behind a WebP", "image/webp", [&lossless[..], html].concat(), "logo-unreadable"),
        Sample::bad("half a PNG", "image/png", half(&small), "logo-unreadable"),
        Sample::bad("half a JPEG", "image/jpeg", half(&photo), "logo-unreadable"),
        Sample::bad("half a WebP", "image/webp", half(&lossless), "logo-unreadable"),
        Sample::bad("a changed bit", "image/png", flipped, "logo-unreadable"),
        Sample::bad("too few pixels", "image/png", png_of(header(100, 100, 8, RGBA), &[one]), "logo-unreadable"),
        Sample::bad("a CMYK JPEG", "image/jpeg", cmyk_jpeg(), "logo-type-unsupported"),
        Sample::bad("a JPEG of 65,535 × 65,535", "image/jpeg", resized_jpeg(&photo), "logo-dimensions"),
        Sample::bad("a JPEG of 200 scans", "image/jpeg", many_scans(&photo), "logo-unreadable"),
        Sample::bad("an APNG", "image/png", apng(), "logo-animated"),
        Sample::bad("an animated WebP", "image/webp", animated_webp(), "logo-animated"),
        Sample::bad("a WebP on a canvas of 16,384 × 16,384", "image/webp", wide_webp(), "logo-dimensions"),
        Sample::bad("2 MB and a byte", "image/png", vec![0; 2 * 1024 * 1024 + 1], "logo-too-large"),
    ]
}

/// The largest uploads that are taken: each takes as much memory and time as a picture may.
pub fn heavy() -> Vec<Sample> {
    // 11,999,296 pixels.
    const SIDE: u32 = 3_464;
    let rows =
        |bytes_per_pixel: usize| chunk(*b"IDAT", &compress_to_vec_zlib(&vec![0; (SIDE as usize * bytes_per_pixel + 1) * SIDE as usize], 9));
    let text = [b"Comment\0\0", &compress_to_vec_zlib(&vec![0; ZEROS], 9)[..]].concat();
    let pixels = rows(4);
    vec![
        Sample::good("48 MB of pixels in 50 kB", "image/png", png_of(header(SIDE, SIDE, 8, RGBA), std::slice::from_ref(&pixels))),
        Sample::good("96 MB of pixels of 16 bits", "image/png", png_of(header(SIDE, SIDE, 16, RGBA), &[rows(8)])),
        Sample::good(
            "50 MB of text beside the pixels",
            "image/png",
            png_of(header(SIDE, SIDE, 8, RGBA), &[chunk(*b"zTXt", &text), pixels]),
        ),
        Sample::good("a JPEG of 12 megapixels", "image/jpeg", jpeg(SIDE, SIDE)),
    ]
}

/// A PNG: red, and half of it transparent.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let half = width / 2;
    encoded(
        &DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, |x, _| Rgba([200, 10, 20, if x < half { 0 } else { 255 }]))),
        ImageFormat::Png,
    )
}

/// A JPEG: its left third is red, the rest blue.
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let pixels = RgbImage::from_fn(width, height, |x, _| if x < width / 3 { Rgb([220, 10, 10]) } else { Rgb([10, 10, 220]) });
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 90).write_image(&pixels, width, height, ExtendedColorType::Rgb8).expect("a JPEG");
    bytes
}

/// A WebP without loss.
pub fn webp(width: u32, height: u32) -> Vec<u8> {
    encoded(&DynamicImage::ImageRgb8(RgbImage::from_pixel(width, height, Rgb([10, 200, 20]))), ImageFormat::WebP)
}

/// A JPEG that is to be turned by a quarter to the right, and that says where it was taken.
pub fn turned_jpeg(width: u32, height: u32) -> Vec<u8> {
    let plain = jpeg(width, height);
    // Exif: a TIFF in which the one entry is "orientation", a short of value 6; a text follows.
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"taken at a secret place");
    [&plain[..2], &segment(0xe1, &exif), &plain[2..]].concat()
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).expect("a picture");
    bytes.into_inner()
}

fn header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    chunk(*b"IHDR", &[&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colour, 0, 0, 0]].concat())
}

fn png_of(header: Vec<u8>, chunks: &[Vec<u8>]) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n".to_vec(), header, chunks.concat(), chunk(*b"IEND", &[])].concat()
}

fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let checked = [&kind[..], data].concat();
    let length = u32::try_from(data.len()).expect("a short chunk").to_be_bytes();
    [&length[..], &checked, &crc32(&checked).to_be_bytes()].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn gif() -> Vec<u8> {
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec()
}

fn apng() -> Vec<u8> {
    let pixels = compress_to_vec_zlib(&[0, 1, 2, 3, 4], 6);
    let frame = |sequence: u32| [&sequence.to_be_bytes()[..], &[0, 0, 0, 1, 0, 0, 0, 1], &[0; 8], &[0, 1, 0, 10, 0, 0]].concat();
    let second = [&2_u32.to_be_bytes()[..], &pixels].concat();
    let chunks = [
        chunk(*b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]),
        chunk(*b"fcTL", &frame(0)),
        chunk(*b"IDAT", &pixels),
        chunk(*b"fcTL", &frame(1)),
        chunk(*b"fdAT", &second),
    ];
    png_of(header(1, 1, 8, RGBA), &chunks)
}

/// The segment of a JPEG.
fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).expect("a short segment").to_be_bytes();
    [&[0xff, marker][..], &length, data].concat()
}

fn cmyk_jpeg() -> Vec<u8> {
    let components = |part: fn(u8) -> Vec<u8>| (1..=4).flat_map(part).collect::<Vec<u8>>();
    let frame = [&[8, 0, 8, 0, 8, 4][..], &components(|id| vec![id, 0x11, 0])].concat();
    let scan = [&[4][..], &components(|id| vec![id, 0]), &[0, 63, 0]].concat();
    let table = [&[0][..], &[1], &[0; 15], &[0]].concat();
    let quantities = [&[0][..], &[1; 64]].concat();
    let parts = [segment(0xee, b"Adobe\0\x64\0\0\0\0\0"), segment(0xdb, &quantities), segment(0xc0, &frame), segment(0xc4, &table)];
    [vec![0xff, 0xd8], parts.concat(), segment(0xda, &scan), vec![0, 0xff, 0xd9]].concat()
}

/// The same, with another size in its frame.
fn resized_jpeg(plain: &[u8]) -> Vec<u8> {
    let mut bytes = plain.to_vec();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    bytes[frame + 5..frame + 9].fill(0xff);
    bytes
}

/// The same, with its scan 200 times.
fn many_scans(plain: &[u8]) -> Vec<u8> {
    let scan = plain.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan");
    let (head, rest) = plain.split_at(scan);
    let (scan, end) = rest.split_at(rest.len() - 2);
    [head, &scan.repeat(200), end].concat()
}

fn riff(chunks: &[u8]) -> Vec<u8> {
    let length = u32::try_from(chunks.len() + 4).expect("a short file").to_le_bytes();
    [b"RIFF", &length[..], b"WEBP", chunks].concat()
}

fn riff_chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("a short chunk").to_le_bytes();
    [&kind[..], &length, data, &vec![0; data.len() % 2]].concat()
}

fn animated_webp() -> Vec<u8> {
    let picture = &webp(1, 1)[12..];
    let frame = [&[0; 12][..], &[10, 0, 0, 0], picture].concat();
    riff(&[riff_chunk(*b"VP8X", &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0]), riff_chunk(*b"ANIM", &[0; 6]), riff_chunk(*b"ANMF", &frame)].concat())
}

fn wide_webp() -> Vec<u8> {
    let picture = &webp(1, 1)[12..];
    riff(&[&riff_chunk(*b"VP8X", &[0, 0, 0, 0, 0xff, 0x3f, 0, 0xff, 0x3f, 0]), picture].concat())
}
