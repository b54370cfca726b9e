//! Databases that `pg_restore` has filled.

use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgPool};

use super::leasing::{LENGTH, PATH, leasing, set_title, title, until_leased};
use super::observer::{observe, prepare};
use super::server::programs;
use crate::support::{Films, run, until, variables};

/// The names and states of the triggers: `A` fires for a subscription's changes too.
const TRIGGERS: &str = "select tgname || ' ' || tgenabled::text from pg_trigger
                        where not tgisinternal order by tgname";

/// A dump of the test's database, which is deleted when this value is dropped.
struct Dump {
    programs: PathBuf,
    file: PathBuf,
}

impl Dump {
    /// Returns `None`, with a line, if the programs are not on this machine.
    async fn of(pool: &PgPool) -> Option<Self> {
        let programs = programs(pool, &["pg_dump", "pg_restore"]).await?;
        let file = std::env::temp_dir().join(pool.connect_options().get_database().unwrap());
        let dump = Self { programs, file };
        dump.client("pg_dump", pool, &["--format=custom", "--file", dump.file.to_str().unwrap()]);
        Some(dump)
    }

    fn restore(&self, pool: &PgPool, arguments: &[&str]) {
        let file = [self.file.to_str().unwrap(), "--exit-on-error"];
        self.client("pg_restore", pool, &[&file, arguments].concat());
    }

    fn client(&self, program: &str, pool: &PgPool, arguments: &[&str]) {
        let options = pool.connect_options();
        let password = options.to_url_lossy().password().unwrap_or_default().to_owned();
        let mut command = Command::new(self.programs.join(program));
        command.env("PGPASSWORD", password).arg("--host").arg(options.get_host());
        command.arg("--port").arg(options.get_port().to_string());
        command.args(["--username", options.get_username(), "--dbname", options.get_database().unwrap()]);
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(Path::new(&self.file));
    }
}

async fn triggers(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(TRIGGERS).fetch_all(pool).await.unwrap()
}

/// Observes two new instances.
async fn expect_no_stale_read(pool: &PgPool) {
    let instances = [Films::start(pool).await, Films::start(pool).await];
    let stale = observe(pool, &instances, |reads, leased| reads > 500 && leased > 20).await;
    assert_eq!(stale, None);
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_copy_has_leases_and_no_stale_read(pool: PgPool) {
    prepare(&pool).await;
    let Some(dump) = Dump::of(&pool).await else { return };
    let name = pool.connect_options().get_database().unwrap().replace("_sqlx_test_", "_restored_");
    pool.execute(AssertSqlSafe(format!("drop database if exists \"{name}\" with (force)"))).await.unwrap();
    pool.execute(AssertSqlSafe(format!("create database \"{name}\""))).await.unwrap();
    let copy = PgPool::connect_lazy_with((*pool.connect_options()).clone().database(&name));
    dump.restore(&copy, &[]);
    assert_eq!(triggers(&copy).await, triggers(&pool).await);
    expect_no_stale_read(&copy).await;
    copy.close().await;
    pool.execute(AssertSqlSafe(format!("drop database \"{name}\" with (force)"))).await.unwrap();
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn a_restore_over_running_instances_goes_on_with_leases(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    let Some(dump) = Dump::of(&pool).await else { return };
    set_title(&pool, 1).await;
    until_leased(&films).await;
    dump.restore(&pool, &["--clean"]);
    films.until_ready().await;
    // The table of the lock was dropped, so leases of the old table end by themselves.
    until("the restored film", async || match films.get(PATH).await {
        response if response.status == 200 && response.json()["title"] == "0" => Ok(()),
        response => Err(response),
    })
    .await;
    for number in 2..5 {
        until_leased(&films).await;
        set_title(&pool, number).await;
        assert_eq!(title(&films).await, number.to_string());
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_documented_step_after_a_restore_without_triggers_ends_stale_reads(pool: PgPool) {
    let films = leasing(&pool, &[]).await;
    let Some(dump) = Dump::of(&pool).await else { return };
    for step in ["films migrate", "update film_catalogue set version = gen_random_uuid()"] {
        pool.execute("delete from film where film_id = 1").await.unwrap();
        films.until_status(PATH, 404).await;
        pool.execute("delete from film").await.unwrap();
        films.until_status(PATH, 404).await;
        // In one transaction, so that no check sees the triggers disabled.
        let data = ["--data-only", "--disable-triggers", "--single-transaction", "--table=film"];
        dump.restore(&pool, &data);
        if step == "films migrate" {
            let migrated = run(&variables(&pool), &["migrate"]).await;
            assert_eq!(migrated.code, Some(0), "{migrated:?}");
        } else {
            pool.execute(step).await.unwrap();
        }
        assert_eq!(title(&films).await, "0", "{step}");
        for number in 1..4 {
            until_leased(&films).await;
            set_title(&pool, number).await;
            assert_eq!(title(&films).await, number.to_string());
        }
        pool.execute(LENGTH).await.unwrap();
    }
}
