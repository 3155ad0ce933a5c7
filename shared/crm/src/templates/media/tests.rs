mod attaching;
mod provider;
mod stub;

use std::convert::Infallible;

use kernel::Clock;

use super::*;
use crate::{arranged::Arranged, files::service};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const PDF: &[u8] = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";

/// Some 300 kB that begin like `head` and nowhere repeat.
fn long(head: &[u8]) -> Bytes {
    let filling = (0_u32..75_000).flat_map(u32::to_le_bytes);
    head.iter().copied().chain(filling).collect()
}

/// A sample as the upload leaves it: whole, and named by nobody.
async fn uploaded(app: &Arranged, kind: MediaType, content: Bytes) -> File {
    let mut tx = app.begin().await;
    let file = service::reserve(&mut tx, app.clock.now(), new_file(kind, Some("sample".into()), None)).await.unwrap();
    tx.commit().await.unwrap();
    let size = service::write_stream(&app.files, &file, stream::iter([Ok::<_, Infallible>(content)]), kind.limit()).await.unwrap();
    let mut tx = app.begin().await;
    let file = service::complete(&mut tx, app.clock.now(), file, size).await.unwrap();
    tx.commit().await.unwrap();
    file
}

#[test]
fn what_a_file_is_is_told_by_its_content() {
    let later = [b"\n<p>".as_slice(), PDF].concat();
    for (head, kind) in [
        (PNG, Some(MediaType::Png)),
        (JPEG, Some(MediaType::Jpeg)),
        (MP4, Some(MediaType::Mp4)),
        (PDF, Some(MediaType::Pdf)),
        (b"\0\0\0\x14ftypisom\0\0\x02\0".as_slice(), Some(MediaType::Mp4)),
        (b"\0\0\0\x14ftypqt  \0\0\x02\0", None),
        (b"GIF89a\x01\0\x01\0", None),
        (b"RIFF\x24\0\0\0WEBPVP8 ", None),
        (b"<html><script>alert(1)</script></html>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"PK\x03\x04\x14\0", None),
        (later.as_slice(), None),
        (b"%PDF", None),
        (b"\xff\xd8", None),
        (b"", None),
    ] {
        assert_eq!(MediaType::of(head), kind, "{head:?}");
    }
    for kind in MediaType::ALL {
        assert_eq!(MediaType::from_content_type(kind.content_type()), Some(kind));
        assert!(kind.limit() <= MAX_UPLOAD);
    }
}

#[tokio::test]
async fn judging_an_upload_loses_none_of_it() {
    let whole = long(PDF);
    for piece in [1, 7, 1024, 100_000, whole.len()] {
        let pieces: Vec<Result<Bytes, Infallible>> = whole.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let (kind, rest) = judge(stream::iter(pieces)).await.unwrap();
        let rest: Vec<Bytes> = rest.map(Result::unwrap).collect().await;
        assert_eq!((kind, rest.concat().as_slice()), (Some(MediaType::Pdf), &*whole), "{piece}");
    }
    let (kind, rest) = judge(stream::empty::<Result<Bytes, Infallible>>()).await.unwrap();
    assert_eq!((kind, rest.map(|piece| piece.unwrap().len()).collect::<Vec<_>>().await), (None, vec![0]));
    let broken = judge(stream::iter([Ok(Bytes::from_static(PDF)), Err("gone")])).await;
    assert_eq!(broken.err(), Some("gone"));
}
