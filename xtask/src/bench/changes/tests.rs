//! Tests of the changes of a film.

use std::env;

use super::*;

const TIMEOUT: Duration = Duration::from_mins(1);

/// Returns the URL of a database with film 1 in a schema of its own, because other tests read the films of
/// the database.
fn database(schema: &str) -> Result<String> {
    let database = env::var("DATABASE_URL").context("DATABASE_URL is not set: use `cargo xtask test`")?;
    let setup = format!(
        "drop schema if exists {schema} cascade; create schema {schema}; \
         create table {schema}.film (film_id int, title text); insert into {schema}.film values (1, 'A')"
    );
    Client::connect(&database, NoTls)?.batch_execute(&setup)?;
    Ok(format!("{database}?options=-csearch_path%3D{schema}"))
}

/// Returns the transaction that wrote film 1.
fn writer(client: &mut Client) -> Result<String> {
    Ok(client.query_one("select xmin::text from film where film_id = 1", &[])?.get(0))
}

#[test]
fn a_film_is_changed_again_and_again_and_keeps_its_content() -> Result<()> {
    let database = database("changed")?;
    let mut client = Client::connect(&database, NoTls)?;
    let changes = during(&database, Some(100), || {
        let (deadline, mut changes) = (Instant::now() + TIMEOUT, 0);
        let mut last = writer(&mut client)?;
        while changes < 3 {
            ensure!(Instant::now() < deadline, "only {changes} changes after {TIMEOUT:?}");
            let now = writer(&mut client)?;
            changes += u32::from(now != last);
            last = now;
        }
        Ok(changes)
    })?;
    assert_eq!(changes, 3);
    let last = writer(&mut client)?;
    let title: String = client.query_one("select title from film where film_id = 1", &[])?.get(0);
    assert_eq!((title.as_str(), writer(&mut client)?), ("A", last), "the changes have ended");
    Ok(())
}

#[test]
fn a_change_that_fails_is_an_error_after_the_work() -> Result<()> {
    let database = database("failing")?;
    Client::connect(&database, NoTls)?.batch_execute("delete from film")?;
    let mut is_done = false;
    let outcome = during(&database, Some(1), || {
        is_done = true;
        Ok(())
    });
    let error = outcome.map_err(|error| format!("{error:#}"));
    let expected = "cannot change film 1: expected one film with this id, found 0";
    assert!(error.as_ref().is_err_and(|error| error.contains(expected)), "{error:?}");
    assert!(is_done);
    Ok(())
}

#[test]
fn changes_are_counted_and_late_ones_are_not_made_up_for() -> Result<()> {
    let (running, stopped) = mpsc::channel();
    let (mut running, mut times) = (Some(running), Vec::new());
    let said = repeat(10, &stopped, || {
        times.push(Instant::now());
        match times.len() {
            1 => thread::sleep(Duration::from_millis(500)),
            5 => drop(running.take()),
            _ => {}
        }
        Ok(())
    })?;
    assert!(said.starts_with("Film changes: 5 in "), "{said}");
    // The first change took the time of five. The other changes keep their distance from then on.
    let all = times[4] - times[0];
    assert!(all >= Duration::from_millis(500 + 3 * 100), "{all:?}");
    Ok(())
}
