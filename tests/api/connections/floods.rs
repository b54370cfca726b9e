//! Floods of HTTP/2 frames that are cheap to send and expensive to serve.

use std::time::{Duration, Instant};

use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{get_film, keep_alive};
use crate::support::Films;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM_AND_HEADERS: u8 = 5;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns the frames number `n` of each flood.
fn flood(name: &str, n: u32) -> Vec<u8> {
    // GET http://films/films/, by the static table of HPACK.
    let head = b"\x82\x86\x44\x07/films/\x41\x05films";
    let stream = 2 * n + 1;
    match name {
        "rapid reset" => [
            frame(HEADERS, END_STREAM_AND_HEADERS, stream, head),
            frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
        ]
        .concat(),
        "continuation" if n == 0 => frame(HEADERS, 0, 1, head),
        "continuation" => frame(CONTINUATION, 0, 1, b"\x00\x01x\x01y"),
        "settings" => frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 255, 255]),
        "ping" => frame(PING, 0, 0, &[0; 8]),
        other => unreachable!("{other}"),
    }
}

/// The flooding client and the other client share the only worker thread.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_flood_of_frames_costs_the_others_little(pool: PgPool) {
    let films = Films::start_with(&pool, &[("FILMS__HTTP__THREADS", "1")]).await;
    let mut other = keep_alive(&films).await;
    for name in ["rapid reset", "continuation", "settings", "ping"] {
        let (mut reader, mut writer) = TcpStream::connect(films.http).await.unwrap().into_split();
        let reading = tokio::spawn(async move { reader.read_to_end(&mut Vec::new()).await });
        let flooding = tokio::spawn(async move {
            writer.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
            writer.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
            for batch in 0..500 {
                let frames: Vec<u8> = (0..200).flat_map(|n| flood(name, 200 * batch + n)).collect();
                writer.write_all(&frames).await?;
            }
            Ok::<_, std::io::Error>(())
        });
        let mut times = Vec::new();
        while times.len() < 20 || (!flooding.is_finished() && times.len() < 1_000) {
            let since = Instant::now();
            get_film(&mut other).await.expect("a response");
            times.push(since.elapsed());
        }
        times.sort();
        assert!(times[times.len() / 2] < Duration::from_secs(1), "{name}: {times:?}");
        if matches!(name, "rapid reset" | "continuation") {
            // The server ends the connection of a client that abuses it.
            assert!(flooding.await.unwrap().is_err() || reading.is_finished(), "{name} goes on");
        } else {
            flooding.abort();
        }
        reading.abort();
    }
}
