//! Opens the page of the sample in a real browser. Without a browser the tests are skipped, with a line
//! that says so.

#![expect(clippy::expect_used, reason = "a test may")]

use std::path::Path;
use std::process::{Command, Output};

use loadtest::report::html;
use loadtest::result::Run;
use tempfile::TempDir;

fn sample() -> Run {
    Run::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sample.json")))
        .expect("the sample is a result")
}

fn browser() -> Option<&'static str> {
    let is_installed = |name: &&str| {
        Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    };
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| is_installed(name));
    if found.is_none() {
        eprintln!("skipped: no chromium, chromium-browser or google-chrome in PATH");
    }
    found
}

/// Opens a page, with additional flags.
fn open(browser: &str, text: &str, home: &TempDir, flags: &[&str]) -> Output {
    let page = home.path().join("report.html");
    std::fs::write(&page, text).expect("a temporary file can be written");
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
fn the_browser_builds_all_charts() {
    let Some(browser) = browser() else { return };
    let home = TempDir::new().expect("there is a temporary directory");
    let dom = String::from_utf8(open(browser, &html(&sample()), &home, &["--dump-dom"]).stdout)
        .expect("a page is text");
    let count = |what: &str| dom.matches(what).count();
    // Three routes, each with throughput, ratio and latency.
    assert_eq!(count("<svg "), 9);
    // Five targets and pgbench on three routes.
    assert_eq!(count("<rect class=\"bar"), 18);
    // Fifteen rows, and a ratio for each of the twelve that are not the reference, except the flagged row.
    assert_eq!(count("class=\"whisker\""), 15 + 11);
    assert_eq!(count("class=\"dot"), 15 * 3 + 11);
    assert_eq!(count("<script"), 0);
}

#[test]
fn the_charts_are_drawn_on_a_narrow_and_on_a_wide_screen() {
    let Some(browser) = browser() else { return };
    let page = html(&sample());
    // The same layout without the drawings.
    let hidden = page.replacen("svg {", "svg { visibility: hidden;", 1);
    assert_ne!(page, hidden);
    for size in ["400,3000", "1200,1600"] {
        let [drawn, blank] = [&page, &hidden].map(|page| picture(browser, page, size));
        assert_eq!(&drawn[..8], b"\x89PNG\r\n\x1a\n");
        assert!(drawn.len() > blank.len() + 20_000, "{size}: {} and {} bytes", drawn.len(), blank.len());
    }
}

/// Returns a picture of a page.
fn picture(browser: &str, page: &str, size: &str) -> Vec<u8> {
    let home = TempDir::new().expect("there is a temporary directory");
    let picture = home.path().join("page.png");
    let shot = format!("--screenshot={}", picture.display());
    open(browser, page, &home, &[&shot, &format!("--window-size={size}")]);
    std::fs::read(picture).expect("the browser wrote a picture")
}
