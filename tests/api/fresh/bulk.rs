//! A catalogue of 100,000 films.

use std::fmt::Write as _;

use futures_util::future::join_all;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt as _;

use crate::support::Films;

const FILMS: i32 = 100_000;
/// Those with a year after 2000: of 30 films in a row the last 19, without one whose year is not known.
const LISTED: usize = 3_333 * 18;

/// Copies the films in, as a nightly import does. Titles have what JSON must escape and what it need
/// not, and some years are not known.
async fn import(pool: &PgPool) {
    let mut rows = String::new();
    for id in 1..=FILMS {
        let year = if id % 10 == 0 { r"\N".to_owned() } else { (1990 + id % 30).to_string() };
        writeln!(rows, r#"{id}	"Ångström" \\ {id}\t☕	{year}"#).unwrap();
    }
    let mut copy = pool.copy_in_raw("copy film (film_id, title, release_year) from stdin").await.unwrap();
    copy.send(rows.as_bytes()).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), u64::try_from(FILMS).unwrap());
}

/// The list as Postgres itself writes it.
async fn expected(pool: &PgPool) -> String {
    sqlx::query_scalar(
        r#"select '{' || string_agg(
               format('"%s":{"release_year":%s,"title":%s}', film_id, release_year, to_json(title)), ',' order by film_id
           ) || '}' from film where release_year > 2000"#,
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

/// An instance with an empty list that it may have kept, and then all the films.
async fn imported(pool: &PgPool) -> Films {
    sqlx::query("insert into film (film_id, title) values (0, 'first')").execute(pool).await.unwrap();
    let films = Films::start(pool).await;
    assert_eq!(films.get("/films/").await.body, "{}");
    import(pool).await;
    films
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_import_is_in_the_list_at_once_and_in_order(pool: PgPool) {
    let films = imported(&pool).await;
    let (listed, expected) = (films.get("/films/").await.body, expected(&pool).await);
    // Not by `assert_eq`, which would print megabytes.
    assert!(listed == expected, "{} bytes in place of {}", listed.len(), expected.len());
    assert!(listed.starts_with(r#"{"11":{"release_year":2001,"#), "{listed:.80}");
    assert!(listed.ends_with(r#","99989":{"release_year":2019,"title":"\"Ångström\" \\ 99989\t☕"}}"#));
    assert!(films.get("/films/").await.body == expected, "the kept list");

    sqlx::query("update film set title = 'changed' where film_id = 50001").execute(&pool).await.unwrap();
    assert!(films.get("/films/").await.body.contains(r#""50001":{"release_year":2011,"title":"changed"}"#));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn pages_have_each_film_once(pool: PgPool) {
    let films = imported(&pool).await;
    let expected = expected(&pool).await;
    for limit in [7_777, 50_000] {
        let mut path = format!("/films/?limit={limit}");
        let mut pages = Vec::new();
        while !path.is_empty() {
            let page = films.get(&path).await;
            let next = page.header("link").strip_suffix(">; rel=\"next\"").unwrap_or_default();
            path = next.strip_prefix('<').unwrap_or_default().to_owned();
            pages.push(page.body.trim_start_matches('{').strip_suffix('}').unwrap().to_owned());
        }
        assert_eq!(pages.len(), LISTED.div_ceil(limit));
        assert!(format!("{{{}}}", pages.join(",")) == expected, "pages of {limit}");
    }
}

/// The most that it ever held, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(films: &Films) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", films.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn twenty_clients_at_once_share_one_list(pool: PgPool) {
    let films = imported(&pool).await;
    for round in 0..3 {
        let answers = join_all((0..20).map(|_| films.get("/films/?year.gt=1"))).await;
        let first = &answers[0];
        assert!(first.body.len() > 4_000_000, "{} bytes", first.body.len());
        assert!(answers.iter().all(|answer| answer.body == first.body), "round {round}");
        sqlx::query("update film set title = title where film_id = 1").execute(&pool).await.unwrap();
    }
    let peak = peak_memory(&films);
    assert!(peak < 120_000_000, "{peak} bytes");
}

/// They are read one after another: together they take longer than one may.
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn many_long_lists_at_once_are_all_answered(pool: PgPool) {
    sqlx::query("insert into film (film_id, title) values (0, 'first')").execute(&pool).await.unwrap();
    let settings = [
        ("FILMS__HTTP__THREADS", "1"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "60s"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "3s"),
    ];
    let films = Films::start_with(&pool, &settings).await;
    import(&pool).await;
    let lists = (0..8).map(async |year: i32| {
        let answer = films.get(&format!("/films/?year.gt={year}")).await;
        (answer.status, answer.body.len())
    });
    let answers = join_all(lists).await;
    assert!(answers.iter().all(|(status, length)| *status == 200 && *length > 4_000_000), "{answers:?}");
}
