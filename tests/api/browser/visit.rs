//! A visit to the page: everything that a person can do there, on a phone and on a wide screen.

use std::time::Instant;

use sqlx::PgPool;

use super::session::Session;
use crate::support::database::count;
use crate::support::http::REVIEW;
use crate::support::viewer::Viewer;
use crate::support::{Films, TIMEOUT};

const PHONE: (u32, u32) = (360, 740);
const DESK: (u32, u32) = (1440, 900);

const TITLES: &str = "[...document.querySelectorAll('.film')].map((film) => film.firstChild.data)";
const YEARS: &str = "[...document.querySelectorAll('.film span')].map((year) => Number(year.innerText))";
const RATINGS: &str =
    "[...document.querySelectorAll('#reviews .stars')].map((stars) => stars.ariaLabel.split(' ')[0])";
const SHOWN: &str = "document.querySelector('#list').innerText";

async fn visit(pool: PgPool, (width, height): (u32, u32)) {
    let mut films = Films::start(&pool).await;
    let Some(mut session) = Session::open(films.http, width, height).await else { return };
    assert_eq!(session.value::<Vec<String>>(TITLES).await.len(), 12);
    session.assert_fits().await;
    let shift: f64 = session.value("window.shift").await;
    assert!(shift < 0.02, "the page moved by {shift} while it was loaded");

    filter(&session).await;
    turn_pages(&session).await;
    review(&session, &films, &pool).await;
    traffic(&session, &films).await;
    session.assert_fits().await;
    session.emulate("prefers-color-scheme", "dark").await;
    session.assert_fits().await;
    assert_eq!(session.faults().await, [""; 0]);

    films.signal("TERM");
    session.until_text("#live-status", "The service has stopped.").await;
    assert_eq!(films.ended().await.code(), Some(0));
    session.click("#reconnect").await;
    session.until_text("#live-status", "The service cannot be reached.").await;
    session.assert_fits().await;
    let faults = session.faults().await;
    assert!(faults.iter().all(|fault| fault.contains("ERR_CONNECTION_REFUSED")), "{faults:#?}");
    session.close().await;
}

async fn filter(session: &Session) {
    session.click("#from").await;
    session.keys(&["After", "Enter", "Tab", "2010", "Tab"]).await;
    session.keys(&["Before", "Tab", "2014", "Enter"]).await;
    session.until(&format!("{YEARS}.every((year) => year > 2010 && year < 2014)")).await;
    assert!(!session.value::<Vec<u32>>(YEARS).await.is_empty());

    session.click("#filters button[type=reset]").await;
    session.click("#prefix").await;
    session.keys(&["no such title", "Enter"]).await;
    session.until_text("#list-status", "No film meets these conditions.").await;
    session.click("#filters button[type=reset]").await;
    session.until(&format!("{TITLES}.length === 12")).await;

    let first: Vec<String> = session.value(TITLES).await;
    session.click("#prefix").await;
    session.keys(&[&first[1], "Enter"]).await;
    session.until(&format!("{TITLES}.every((title) => title.startsWith({:?}))", first[1])).await;
    session.click("#filters button[type=reset]").await;
    session.until(&format!("{TITLES}.length === 12")).await;
}

async fn turn_pages(session: &Session) {
    let first: String = session.value(SHOWN).await;
    // Two quick clicks turn one page.
    session
        .value::<bool>(
            "(document.querySelector('#next').click(), document.querySelector('#next').click(), true)",
        )
        .await;
    session.until(&format!("{SHOWN} !== {first:?}")).await;
    session.click("#previous").await;
    session.until(&format!("{SHOWN} === {first:?}")).await;
    session.until("document.querySelector('#previous').disabled").await;
}

async fn review(session: &Session, films: &Films, pool: &PgPool) {
    let titles: Vec<String> = session.value(TITLES).await;
    // By keyboard alone.
    session.value::<bool>("document.querySelector('.film').focus() ?? true").await;
    session.keys(&["Tab", "Enter"]).await;
    session.until_text("#film-title", &titles[1]).await;
    session.until("document.activeElement.id === 'film-title'").await;

    session.until_text("#reviews-status", "Nobody has reviewed this film yet.").await;
    let facts = session.text("#film-facts").await;
    let (_, film_id) = facts.rsplit_once(' ').unwrap();
    for _ in 0..5 {
        let review = format!(r#"{{"film_id":{film_id},"rating":2}}"#);
        assert_eq!(films.post("/reviews/", &review).await.status, 200);
    }
    session.click("#review input[value='4'] + span").await;
    session.click("#review button").await;
    session.until_text("#review-status", "Stored: 4 of 5.").await;
    assert_eq!(count(pool, "review").await, 6);
    session.until_text("#reviews-status", "2.33 of 5 on average, 6 reviews").await;
    assert_eq!(session.value::<String>(&format!("{RATINGS}.join(' ')")).await, "4 2 2 2 2");
    session.click("#older").await;
    session.until(&format!("{RATINGS}.join(' ') === '4 2 2 2 2 2'")).await;
    session.until("document.querySelector('#older').hidden").await;
}

async fn traffic(session: &Session, films: &Films) {
    session.until_text("#live-status", "Live").await;
    let drawn = |plot: u32, line: u32| {
        format!(
            "/L/.test(document.querySelector('figure:nth-child({plot}) .line:nth-child({line})').getAttribute('d'))"
        )
    };
    session.until(&drawn(1, 1)).await;
    let is_seen = async || {
        let figure = |plot: u32, line: u32| {
            format!(
                "document.querySelector('figure:nth-child({plot}) dl div:nth-child({line}) dd').innerText"
            )
        };
        let figures = format!("[{}, {}, {}]", figure(1, 1), figure(2, 2), figure(4, 2));
        let figures: Vec<String> = session.value(&figures).await;
        figures[0] != "0" && figures[1] != "–" && figures[2] != "–"
    };
    let since = Instant::now();
    while !is_seen().await {
        assert!(since.elapsed() < TIMEOUT, "the figures of the traffic do not show the reviews");
        assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    }
}

/// Loses the next response to a POST on its way back.
const LOSE_A_RESPONSE: &str = "(() => {
  const send = window.fetch;
  window.fetch = async (path, options) => {
    const response = await send(path, options);
    if (options?.method !== 'POST') return response;
    window.fetch = send;
    throw new TypeError('lost');
  };
  return true;
})()";

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_review_that_is_sent_again_is_stored_once(pool: PgPool) {
    let films = Films::start(&pool).await;
    let Some(session) = Session::open(films.http, DESK.0, DESK.1).await else { return };
    session.click(".film").await;
    session.until("!document.querySelector('#film-body').hidden").await;
    session.value::<bool>(LOSE_A_RESPONSE).await;
    session.click("#review input[value='4'] + span").await;
    session.click("#review button").await;
    session.until_text("#review-status", "The service cannot be reached.").await;
    assert_eq!(count(&pool, "review").await, 1);
    session.click("#review button").await;
    session.until_text("#review-status", "Stored: 4 of 5.").await;
    assert_eq!(count(&pool, "review").await, 1);

    // The same rating once more is another review.
    session.click("#review input[value='4'] + span").await;
    session.click("#review button").await;
    session.until_text("#reviews-status", "4.00 of 5 on average, 2 reviews").await;
    assert_eq!(count(&pool, "review").await, 2);
    session.close().await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn everything_on_the_page_works_on_a_phone(pool: PgPool) {
    visit(pool, PHONE).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn everything_on_the_page_works_on_a_wide_screen(pool: PgPool) {
    visit(pool, DESK).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_viewer_too_many_reads_why_and_can_try_again(pool: PgPool) {
    let films = Films::start(&pool).await;
    let mut viewers = Vec::new();
    for _ in 0..16 {
        viewers.push(Viewer::connect(films.http).await.unwrap_or_else(|status| panic!("{status}")));
    }
    let Some(mut session) = Session::open(films.http, PHONE.0, PHONE.1).await else { return };
    session
        .until_text(
            "#live-status",
            "Too many pages watch the traffic: 16 viewers watch the traffic of this instance; close one of \
             their pages, or retry. Try again in 1 s.",
        )
        .await;
    session.assert_fits().await;
    let faults = session.faults().await;
    assert!(
        matches!(&faults[..], [fault] if fault.contains("/events: ") && fault.contains("503")),
        "{faults:?}"
    );
    viewers.clear();
    session.until("(document.querySelector('#reconnect:not([hidden])')?.click(), document.querySelector('#live-status').innerText === 'Live')").await;
    session.close().await;
}

/// The other tests rely on the session to find faults.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_session_finds_every_kind_of_fault(pool: PgPool) {
    let films = Films::start(&pool).await;
    let Some(mut session) = Session::open(films.http, DESK.0, DESK.1).await else { return };
    assert_eq!(session.faults().await, [""; 0]);
    for (script, fault) in [
        ("console.error('on purpose')", "console: "),
        (
            "setTimeout(() => { throw new Error('on purpose') }), new Promise((go) => setTimeout(go, 50))",
            "exception: ",
        ),
        ("fetch('http://127.0.0.2:9/').catch(() => {})", "Content Security Policy"),
        ("document.body.setAttribute('style', 'color: red')", "Content Security Policy"),
        ("fetch('/no-such-route').then(() => {})", "404"),
    ] {
        session.page.evaluate(script).await.unwrap();
        let faults = session.faults().await;
        assert!(faults.iter().any(|found| found.contains(fault)), "{script}: {faults:?}");
    }
    session.page.goto("http://127.0.0.2:9/").await.unwrap_err();
    assert!(session.faults().await.iter().any(|fault| fault.starts_with("another host: ")));
    session.close().await;
}
