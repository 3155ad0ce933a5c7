use std::sync::Arc;

use bytes::Bytes;
use image::{DynamicImage, ImageFormat};

use super::*;
use crate::files::testing::{self, Sample};

fn slug(error: &LogoError) -> &'static str {
    match error {
        LogoError::TooLarge => "logo-too-large",
        LogoError::TypeUnsupported(_) => "logo-type-unsupported",
        LogoError::Dimensions { .. } => "logo-dimensions",
        LogoError::Animated => "logo-animated",
        LogoError::Unreadable(_) => "logo-unreadable",
        LogoError::Busy => "logo-busy",
    }
}

/// What becomes of an upload, however busy the machine is.
async fn made(sample: &Sample) -> Result<Logo, LogoError> {
    let patient = LogoStudio { patience: Duration::from_mins(1), ..LogoStudio::default() };
    patient.make(Some(sample.declared), sample.bytes.clone().into()).await
}

async fn logo(declared: &str, bytes: Vec<u8>) -> (Logo, DynamicImage) {
    let logo = LogoStudio::default().make(Some(declared), bytes.into()).await.expect("a logo");
    assert_eq!(&logo.bytes[8..12], b"WEBP");
    let image = image::load_from_memory_with_format(&logo.bytes, ImageFormat::WebP).expect("a WebP");
    assert_eq!((logo.width, logo.height), (image.width(), image.height()));
    (logo, image)
}

#[tokio::test]
async fn what_is_built_to_do_harm_is_refused_by_name() {
    for sample in testing::refused() {
        let error = made(&sample).await.expect_err(sample.name);
        assert_eq!(Some(slug(&error)), sample.refusal, "{}: {error}", sample.name);
    }
}

#[tokio::test]
async fn the_largest_pictures_are_taken() {
    for sample in testing::heavy() {
        assert!(sample.bytes.len() <= MAX_UPLOAD, "{} has {} bytes", sample.name, sample.bytes.len());
        let logo = made(&sample).await.unwrap_or_else(|error| panic!("{}: {error}", sample.name));
        assert_eq!((logo.width, logo.height), (512, 512), "{}", sample.name);
    }
}

#[tokio::test]
async fn a_large_picture_is_made_to_fit_and_a_small_one_stays() {
    let (_, image) = logo("image/jpeg", testing::jpeg(2_000, 1_000)).await;
    assert_eq!((image.width(), image.height()), (512, 256));
    let (_, image) = logo("image/webp", testing::webp(512, 100)).await;
    assert_eq!((image.width(), image.height()), (512, 100));
    let (_, image) = logo("IMAGE/PNG; charset=x", testing::png(1, 1)).await;
    assert!(LogoStudio::default().make(None, testing::png(1, 1).into()).await.is_ok(), "a type need not be declared");
    assert_eq!((image.width(), image.height()), (1, 1));
}

#[tokio::test]
async fn transparency_is_kept_and_does_not_colour_what_is_seen() {
    let (_, image) = logo("image/png", testing::png(1_500, 300)).await;
    let pixels = image.into_rgba8();
    assert_eq!(pixels.get_pixel(10, 50).0[3], 0);
    let seen = pixels.get_pixel(259, 50).0;
    assert!(seen[3] > 250 && seen[0] > 180 && seen[1] < 40, "{seen:?} beside the edge");
}

#[tokio::test]
async fn a_picture_is_turned_as_it_says_and_tells_nothing_else() {
    let (logo, image) = logo("image/jpeg", testing::turned_jpeg(300, 150)).await;
    assert_eq!((image.width(), image.height()), (150, 300));
    // What was left is above now.
    let pixels = image.into_rgb8();
    assert!(pixels.get_pixel(75, 20).0[0] > 150 && pixels.get_pixel(75, 280).0[2] > 150);
    assert!(!logo.bytes.windows(6).any(|window| window == b"secret"));
}

#[tokio::test]
async fn pictures_are_made_one_at_a_time_and_whoever_waits_too_long_is_told() {
    let studio = LogoStudio { patience: Duration::from_millis(20), ..LogoStudio::default() };
    let turn = Arc::clone(&studio.turn).acquire_owned().await.unwrap();
    let picture = Bytes::from(testing::png(4, 4));
    assert_eq!(studio.make(Some("image/png"), picture.clone()).await.unwrap_err(), LogoError::Busy);
    drop(turn);
    let patient = LogoStudio { patience: PATIENCE, ..studio };
    let both = futures::future::join(patient.make(Some("image/png"), picture.clone()), patient.make(Some("image/png"), picture)).await;
    assert!(both.0.is_ok() && both.1.is_ok());
}

#[tokio::test]
async fn a_picture_that_takes_too_long_is_given_up() {
    let upload = testing::heavy().remove(0).bytes;
    let studio = LogoStudio { patience: Duration::from_millis(1), ..LogoStudio::default() };
    let error = studio.make(Some("image/png"), upload.into()).await.unwrap_err();
    assert_eq!(error, LogoError::Unreadable("it takes too long to read"));
    // The work itself ends too, and with it the turn.
    let _turn = tokio::time::timeout(Duration::from_secs(20), studio.turn.acquire()).await.expect("the turn comes back").unwrap();
}
