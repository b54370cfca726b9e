//! A start that fails.

use std::net::TcpListener;

use sqlx::PgPool;

use crate::support::{run, variables};

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_taken_port_is_reported_in_one_line(pool: PgPool) {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (variable, key) in [("FILMS__HTTP__LISTEN", "http.listen"), ("FILMS__ADMIN__LISTEN", "admin.listen")]
    {
        let mut variables = variables(&pool);
        variables.insert(variable.to_owned(), address.clone());
        let ended = run(&variables, &["serve"]).await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
        assert!(ended.stderr.contains(&format!("{key} = {address}")), "{ended:?}");
    }
}
