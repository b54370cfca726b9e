//! Pictures of the page for the documentation, under a short load. `cargo xtask screenshots` makes them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::page::CaptureScreenshotFormat;
use chromiumoxide::layout::Point;
use chromiumoxide::page::ScreenshotParams;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::session::Session;
use crate::support::Films;
use crate::support::http::{POST_REVIEW, read_response};

/// High enough for all plots.
const DESK: (u32, u32) = (1440, 1080);
const PHONE: (u32, u32) = (360, 800);

/// The plots show a minute.
const LOAD: Duration = Duration::from_secs(62);

/// Sends requests on one connection: mostly reads, and every eighth time a review.
async fn load(to: SocketAddr, client: u32) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    for at in client.. {
        if at % 8 == 0 {
            stream.write_all(POST_REVIEW).await.unwrap();
        } else {
            let request = format!("GET /films/{}/ HTTP/1.1\r\nhost: films\r\n\r\n", 1 + at % 100);
            stream.write_all(request.as_bytes()).await.unwrap();
        }
        if read_response(&mut stream).await.is_none() {
            return;
        }
    }
}

/// Changes the number of clients every few seconds, and a film now and then, so that leases end.
async fn work(films: &Films, pool: &PgPool) {
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for number in [2, 8, 24, 48, 48, 64, 16, 4, 32, 64, 64, 24].into_iter().cycle() {
        while clients.len() > number {
            clients.abort_all();
            while clients.join_next().await.is_some() {}
        }
        for client in 0..u32::try_from(number - clients.len()).unwrap() {
            clients.spawn(load(films.http, client * 97));
        }
        let step = Instant::now();
        while step.elapsed() < LOAD / 12 {
            sqlx::query("update film set title = title where film_id = 1").execute(pool).await.unwrap();
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        if started.elapsed() > LOAD {
            clients.detach_all();
            return;
        }
    }
}

async fn picture(session: &Session) -> Vec<u8> {
    let png = ScreenshotParams::builder().format(CaptureScreenshotFormat::Png).build();
    session.page.screenshot(png).await.unwrap()
}

fn write(name: &str, picture: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    std::fs::write(path, smaller(picture)).unwrap();
}

/// Returns the picture with a palette, which makes it a third of the size.
fn smaller(picture: &[u8]) -> Vec<u8> {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    let pixels: Vec<Colour> =
        bytes.chunks_exact(info.color_type.samples()).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut counts = BTreeMap::<_, usize>::new();
    for pixel in &pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let palette = palette(&counts);
    let nearest = |colour: Colour| {
        (0..=255).take(palette.len()).min_by_key(|at| distance(colour, palette[usize::from(*at)])).unwrap()
    };
    let indices: BTreeMap<_, u8> = counts.keys().map(|colour| (*colour, nearest(*colour))).collect();
    let mut small = Vec::new();
    let mut encoder = png::Encoder::new(&mut small, info.width, info.height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(palette.concat());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let data: Vec<u8> = pixels.iter().map(|pixel| indices[pixel]).collect();
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    small
}

type Colour = [u8; 3];

/// Returns up to 256 colours, the most frequent first. Those that nobody can tell from a more frequent one are
/// left out, so that the few pixels of a small mark keep their colour.
fn palette(counts: &BTreeMap<Colour, usize>) -> Vec<Colour> {
    const INDISTINCT: u32 = 150;
    let mut colours: Vec<_> = counts.keys().copied().collect();
    colours.sort_by_key(|colour| Reverse(counts[colour]));
    let mut palette: Vec<Colour> = Vec::new();
    for colour in colours {
        if palette.len() < 256 && palette.iter().all(|other| distance(colour, *other) > INDISTINCT) {
            palette.push(colour);
        }
    }
    palette
}

fn distance(a: Colour, b: Colour) -> u32 {
    a.into_iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "writes files; `cargo xtask screenshots` runs it"]
async fn screenshots(pool: PgPool) {
    let films = Films::start(&pool).await;
    let session = Session::open(films.http, DESK.0, DESK.1).await.expect("a Chromium");
    session.click("#list li:nth-child(4) button").await;
    session.until("!document.querySelector('#film-body').hidden").await;
    for rating in [4, 5, 3, 5, 4] {
        session.click(&format!("#review input[value='{rating}'] + span")).await;
        session.click("#review button").await;
        session.until_text("#review-status", format!("Stored: {rating} of 5.")).await;
    }
    session.page.move_mouse(Point::new(0.0, 0.0)).await.unwrap();
    work(&films, &pool).await;
    let light = picture(&session).await;
    session.emulate("prefers-color-scheme", "dark").await;
    let dark = picture(&session).await;
    session.emulate("prefers-color-scheme", "light").await;
    session.resize(PHONE.0, PHONE.1).await;
    session
        .value::<bool>("(document.querySelector('#traffic').scrollIntoView({ behavior: 'instant' }), true)")
        .await;
    let phone = picture(&session).await;
    // The load would pause meanwhile.
    for (name, picture) in [("page.png", light), ("page-dark.png", dark), ("page-phone.png", phone)] {
        write(name, &picture);
    }
    session.close().await;
}
