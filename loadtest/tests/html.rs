//! The page of the sample, in a real browser. Where there is none, it is said and skipped.

#![expect(clippy::expect_used, reason = "a test may")]

use std::path::Path;
use std::process::{Command, Output};

use loadtest::report::html;
use loadtest::result::Run;
use tempfile::TempDir;

fn sample() -> Run {
    Run::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sample.json")))
        .expect("the sample is a result")
}

fn browser() -> Option<&'static str> {
    let answers = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| answers(name));
    if found.is_none() {
        eprintln!("skipped: no chromium, chromium-browser or google-chrome in PATH");
    }
    found
}

/// Opens the page of a run with these flags besides.
fn open(browser: &str, run: &Run, home: &TempDir, flags: &[&str]) -> Output {
    let page = home.path().join("report.html");
    std::fs::write(&page, html(run)).expect("a temporary file can be written");
    let quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"];
    let output = Command::new(browser)
        .args(quiet)
        .args(["--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars"])
        .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
        .args(flags)
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_page_shows_its_charts() {
    let Some(browser) = browser() else { return };
    let home = TempDir::new().expect("there is a temporary directory");
    let dom =
        String::from_utf8(open(browser, &sample(), &home, &["--dump-dom"]).stdout).expect("a page is text");
    let count = |what: &str| dom.matches(what).count();
    // Three routes, each with throughput, ratio and latency.
    assert_eq!(count("<svg "), 9);
    // Five targets and pgbench on three routes.
    assert_eq!(count("<rect class=\"bar"), 18);
    // Fifteen rows, and a ratio for the twelve that are not the reference, but for the marked one.
    assert_eq!(count("class=\"whisker\""), 15 + 11);
    assert_eq!(count("class=\"dot"), 15 * 3 + 11);
    assert_eq!(count("<script"), 0);
}

#[test]
fn the_charts_are_drawn_where_the_screen_is_narrow_and_where_it_is_wide() {
    let Some(browser) = browser() else { return };
    for size in ["400,3000", "1200,1600"] {
        let home = TempDir::new().expect("there is a temporary directory");
        let picture = home.path().join("page.png");
        let shot = format!("--screenshot={}", picture.display());
        open(browser, &sample(), &home, &[&shot, &format!("--window-size={size}")]);
        let blank = home.path().join("blank.png");
        let shot = format!("--screenshot={}", blank.display());
        let mut empty = sample();
        empty.rows.clear();
        empty.beside.clear();
        open(browser, &empty, &home, &[&shot, &format!("--window-size={size}")]);
        let bytes = |path: &Path| std::fs::read(path).expect("the browser wrote a picture");
        let (picture, blank) = (bytes(&picture), bytes(&blank));
        assert_eq!(&picture[..8], b"\x89PNG\r\n\x1a\n");
        // A picture of one colour is a few bytes; this one holds more than the same page without figures.
        assert!(picture.len() > blank.len() + 20_000, "{size}: {} and {} bytes", picture.len(), blank.len());
    }
}
