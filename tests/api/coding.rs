//! Compressed responses: RFC 9110, sections 8.4, 12.5.3 and 12.5.5.

use sqlx::PgPool;

use crate::support::Films;
use crate::support::http::{Response, send};

const CODINGS: [&str; 3] = ["zstd", "br", "gzip"];

async fn accepting(films: &Films, method: &str, path: &str, coding: &str, tag: &str) -> Response {
    send(films.http, method, path, &[("accept-encoding", coding), ("if-none-match", tag)], "").await
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn every_coding_has_the_same_content_and_a_tag_of_its_own(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/films/", "/films/?limit=100"] {
        let plain = films.get(path).await;
        assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
        let mut tags = vec![plain.header("etag").to_owned()];
        for coding in CODINGS {
            let coded = accepting(&films, "GET", path, coding, "").await;
            assert_eq!((coded.status, &coded.body), (200, &plain.body), "{coding}");
            assert_eq!(coded.header("content-encoding"), coding);
            for name in ["content-type", "vary", "cache-control", "link"] {
                assert_eq!(coded.header(name), plain.header(name), "{coding}: {name}");
            }
            let [length, plain_length] =
                [&coded, &plain].map(|response| response.header("content-length").parse::<usize>().unwrap());
            assert!(length < plain_length / 2, "{coding}: {length} of {plain_length} bytes");
            let head = accepting(&films, "HEAD", path, coding, "").await;
            assert_eq!(
                (head.header("content-encoding"), head.header("etag")),
                (coding, coded.header("etag"))
            );
            assert_eq!(head.header("content-length"), length.to_string());
            tags.push(coded.header("etag").to_owned());
        }
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 1 + CODINGS.len());
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_tag_is_confirmed_for_its_own_coding_only(pool: PgPool) {
    let films = Films::start(&pool).await;
    for coding in CODINGS {
        let first = accepting(&films, "GET", "/films/", coding, "").await;
        let tag = first.header("etag");
        let again = accepting(&films, "GET", "/films/", coding, tag).await;
        assert_eq!((again.status, again.header("etag")), (304, tag));
        assert_eq!((again.header("vary"), again.header("content-encoding")), ("accept-encoding", ""));
        assert_eq!(accepting(&films, "GET", "/films/", "identity", tag).await.status, 200, "{coding}");
        sqlx::query("update film set title = title || '!'").execute(&pool).await.unwrap();
        let changed = accepting(&films, "GET", "/films/", coding, tag).await;
        assert_eq!((changed.status, changed.header("content-encoding")), (200, coding));
        assert_ne!(changed.body, first.body);
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn small_bodies_and_problems_are_not_compressed(pool: PgPool) {
    let films = Films::start(&pool).await;
    for path in ["/films/995/", "/films/?year.gt=2100", "/films/x/", "/nothing/"] {
        let response = accepting(&films, "GET", path, "gzip", "").await;
        assert_eq!((response.header("content-encoding"), response.header("vary")), ("", ""), "{path}");
    }
}
