//! A catalogue of 100,000 films.

use std::fmt::Write as _;

use futures_util::future::join_all;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt as _;

use crate::support::Films;

const FILMS: i32 = 100_000;
/// Films after 2000: of 30 films in a row the last 19, except for one without a year.
const LISTED: usize = 3_333 * 18;

/// Copies the films into the table, as a nightly import does. Titles have characters that JSON must
/// escape and others that it need not, and some films have no year.
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

/// Returns the list as Postgres itself writes it.
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

/// Starts an instance, lets it cache an empty list, and then imports all films.
async fn imported(pool: &PgPool) -> Films {
    sqlx::query("insert into film (film_id, title) values (0, 'first')").execute(pool).await.unwrap();
    let films = Films::start(pool).await;
    assert_eq!(films.get("/films/").await.body, "{}");
    import(pool).await;
    films
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn an_import_is_in_the_next_list_in_order(pool: PgPool) {
    let films = imported(&pool).await;
    let (listed, expected) = (films.get("/films/").await.body, expected(&pool).await);
    // `assert_eq` would print megabytes.
    assert!(listed == expected, "{} bytes instead of {}", listed.len(), expected.len());
    assert!(listed.starts_with(r#"{"11":{"release_year":2001,"#), "{listed:.80}");
    assert!(listed.ends_with(r#","99989":{"release_year":2019,"title":"\"Ångström\" \\ 99989\t☕"}}"#));
    assert!(films.get("/films/").await.body == expected, "the cached list");

    sqlx::query("update film set title = 'changed' where film_id = 50001").execute(&pool).await.unwrap();
    assert!(films.get("/films/").await.body.contains(r#""50001":{"release_year":2011,"title":"changed"}"#));
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn pages_contain_each_film_once(pool: PgPool) {
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

/// Returns the largest amount of memory that the instance has used, in bytes.
#[cfg(target_os = "linux")]
fn peak_memory(films: &Films) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", films.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn concurrent_clients_share_one_list(pool: PgPool) {
    let films = imported(&pool).await;
    for round in 0..3 {
        let responses = join_all((0..20).map(|_| films.get("/films/?year.gt=1"))).await;
        let first = &responses[0];
        assert!(first.body.len() > 4_000_000, "{} bytes", first.body.len());
        assert!(responses.iter().all(|response| response.body == first.body), "round {round}");
        sqlx::query("update film set title = title where film_id = 1").execute(&pool).await.unwrap();
    }
    let peak = peak_memory(&films);
    assert!(peak < 120_000_000, "{peak} bytes");
}
