//! Pictures of the page for the documentation, under a short load. `cargo xtask screenshots` makes them.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::page::CaptureScreenshotFormat;
use chromiumoxide::page::ScreenshotParams;
use sqlx::PgPool;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::session::Session;
use crate::support::Films;
use crate::support::http::{POST_REVIEW, read_response};

/// The plots show a minute.
const LOAD: Duration = Duration::from_secs(62);

/// Sends requests on one connection: mostly reads, and every eighth time a review.
async fn load(to: SocketAddr, client: u32) {
    let mut stream = TcpStream::connect(to).await.unwrap();
    for at in client.. {
        if at % 8 == 0 {
            stream.write_all(POST_REVIEW).await.unwrap();
        } else {
            let request = format!("GET /films/{}/ HTTP/1.1\r\nhost: films\r\n\r\n", 1 + at % 1000);
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
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if started.elapsed() > LOAD {
            clients.detach_all();
            return;
        }
    }
}

async fn picture(session: &Session, folder: &Path, name: &str) {
    let full_page = ScreenshotParams::builder().format(CaptureScreenshotFormat::Png).full_page(true).build();
    let picture = session.page.screenshot(full_page).await.unwrap();
    std::fs::write(folder.join(name), picture).unwrap();
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
#[ignore = "writes files; `cargo xtask screenshots` runs it"]
async fn screenshots(pool: PgPool) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let films = Films::start(&pool).await;
    let session = Session::open(films.http, 1440, 900).await.expect("a Chromium");
    session.click("#list li:nth-child(4) button").await;
    for rating in [4, 5, 3, 5, 4] {
        session.click(&format!("#review input[value='{rating}'] + span")).await;
        session.click("#review button").await;
        session.until_text("#review-status", format!("Stored: {rating} of 5.")).await;
    }
    work(&films, &pool).await;
    picture(&session, &folder, "page.png").await;
    session.emulate("prefers-color-scheme", "dark").await;
    picture(&session, &folder, "page-dark.png").await;
    session.emulate("prefers-color-scheme", "light").await;
    session.resize(360, 740).await;
    picture(&session, &folder, "page-phone.png").await;
    session.close().await;
}
