//! The roles of `migrations/README.md`: the owner migrates, and the service has the least rights.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool};

use crate::support::database::count;
use crate::support::http::REVIEW;
use crate::support::{Films, Variables, run, set, variables};

const DOCUMENT: &str = include_str!("../../migrations/README.md");
/// The SQL that the chart runs in place of the document's blocks.
const CHART_ROLES: &str = include_str!("../../helm/films/files/roles.sql");
const CHART_OWNERSHIP: &str = include_str!("../../helm/films/files/ownership.sql");
const CHART_GRANTS: &str = include_str!("../../helm/films/files/grants.sql");

/// SQLSTATE `insufficient_privilege`.
const DENIED: &str = "42501";

/// Statements that the service must not be allowed to run.
const FORBIDDEN: [&str; 18] = [
    "drop table film",
    "alter table film disable trigger film_changed",
    "truncate film",
    "update film set title = ''",
    "delete from film",
    "insert into film (title) values ('')",
    "select from film for share",
    "update review_summary set one = 7",
    "insert into review_summary (film_id) values (1)",
    "update review set rating = 1",
    "delete from review",
    "update idempotency_key set rating = 1",
    "delete from idempotency_key",
    "update film_catalogue set version = gen_random_uuid()",
    "delete from _sqlx_migrations",
    "create table films_of_the_service ()",
    "create role role_of_the_service",
    "select pg_read_file('PG_VERSION')",
];

/// The two roles of a test. Roles belong to the whole server, so their names carry the id of the test's
/// database.
struct Roles {
    suffix: String,
}

impl Roles {
    async fn of(pool: &PgPool) -> Self {
        let database: String =
            sqlx::query_scalar("select oid::text from pg_database where datname = current_database()")
                .fetch_one(pool)
                .await
                .unwrap();
        Self { suffix: format!("_{database}") }
    }

    fn owner(&self) -> String {
        format!("films_owner{}", self.suffix)
    }

    fn service(&self) -> String {
        format!("films_service{}", self.suffix)
    }

    /// Returns SQL with the names of this test's roles.
    fn named(&self, sql: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(sql.replace("films_owner", &self.owner()).replace("films_service", &self.service()))
    }

    /// Runs the SQL of the chart as superuser.
    async fn create_as_the_chart(&self, pool: &PgPool, passwords: [&str; 2]) {
        let mut session = pool.acquire().await.unwrap();
        let settings = [
            ("films.owner", self.owner()),
            ("films.service", self.service()),
            ("films.owner_password", passwords[0].to_owned()),
            ("films.service_password", passwords[1].to_owned()),
        ];
        for (name, value) in settings {
            let set = sqlx::query("select set_config($1, $2, false)").bind(name).bind(value);
            set.execute(&mut *session).await.unwrap();
        }
        session.execute(CHART_ROLES).await.unwrap();
        session.execute(CHART_OWNERSHIP).await.unwrap();
    }

    /// Removes the roles from the server.
    async fn drop(&self, pool: &PgPool) {
        for role in [self.owner(), self.service()] {
            let sql = format!("drop owned by {role} cascade; drop role {role}");
            pool.execute(AssertSqlSafe(sql)).await.unwrap();
        }
    }
}

/// Returns the blocks of SQL in the document: the roles, and the grants.
fn documented() -> [&'static str; 2] {
    let blocks: Vec<&str> =
        DOCUMENT.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    blocks.try_into().expect("expected two blocks of SQL")
}

/// Returns the variables of a process that connects as this role.
fn connecting_as(pool: &PgPool, role: &str, password: &str) -> Variables {
    let mut variables = variables(pool);
    variables.extend(set(&[("DATABASE_URL", options(pool, role, password).to_url_lossy().as_str())]));
    variables
}

fn options(pool: &PgPool, role: &str, password: &str) -> PgConnectOptions {
    PgConnectOptions::clone(&pool.connect_options()).username(role).password(password)
}

async fn execute(connection: &mut PgConnection, sql: AssertSqlSafe<String>) {
    connection.execute(sql).await.unwrap();
}

/// Migrates, seeds and grants as the owner, and then uses every part of the service as the service role.
async fn expect_least_rights(pool: &PgPool, roles: &Roles, passwords: [&str; 2]) {
    let owner = connecting_as(pool, &roles.owner(), passwords[0]);
    for command in ["migrate", "seed"] {
        let ended = run(&owner, &[command]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let mut connection = options(pool, &roles.owner(), passwords[0]).connect().await.unwrap();
    execute(&mut connection, roles.named(documented()[1])).await;
    connection.close().await.unwrap();

    let films = Films::spawn(&connecting_as(pool, &roles.service(), passwords[1])).await;
    films.until_ready().await;
    let admin = films.admin.to_string();
    let check = run(&set(&[("FILMS__ADMIN__LISTEN", &admin)]), &["check"]).await;
    assert_eq!(check.code, Some(0), "{check:?}");
    // Twice, because the second response comes from the cache.
    for _ in 0..2 {
        assert_eq!(films.get("/films/995/").await.status, 200);
        assert_eq!(films.get("/films/?year.gt=2000").await.status, 200);
        assert_eq!(films.get("/films/995/reviews/").await.status, 200);
    }
    let before = count(pool, "review").await;
    assert_eq!(films.post("/reviews/", REVIEW).await.status, 200);
    assert_eq!(films.post_keyed("role", REVIEW).await.status, 200);
    assert_eq!(count(pool, "review").await, before + 2);
    films.post("/reviews/", r#"{"film_id":999999,"rating":4}"#).await.problem(422, "unknown-film");

    let mut connection = options(pool, &roles.service(), passwords[1]).connect().await.unwrap();
    for statement in FORBIDDEN {
        let error = connection.execute(statement).await.map(|_| statement).unwrap_err();
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        assert_eq!(code.as_deref(), Some(DENIED), "{statement}: {error}");
    }
    connection.close().await.unwrap();
}

#[sqlx::test(migrations = false)]
async fn the_documented_rights_are_enough_for_the_service_and_allow_nothing_else(pool: PgPool) {
    let roles = Roles::of(&pool).await;
    pool.execute(roles.named(documented()[0])).await.unwrap();
    expect_least_rights(&pool, &roles, ["owner-password", "service-password"]).await;
    roles.drop(&pool).await;
}

#[sqlx::test(migrations = false)]
async fn the_chart_creates_the_same_roles_with_any_password(pool: PgPool) {
    let roles = Roles::of(&pool).await;
    let passwords = [r#"p@ss:w/rd%20'"\ $x{}#?&=+"#, "'; drop table film; --"];
    // Twice, because every upgrade runs it again.
    for _ in 0..2 {
        roles.create_as_the_chart(&pool, passwords).await;
    }
    expect_least_rights(&pool, &roles, passwords).await;
    roles.drop(&pool).await;
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn the_chart_gives_the_tables_of_the_superuser_to_the_owner(pool: PgPool) {
    let running = Films::start(&pool).await;
    pool.execute(
        "create sequence free_standing; create table other (id serial primary key);
         create view titles as select title from film",
    )
    .await
    .unwrap();
    let roles = Roles::of(&pool).await;
    roles.create_as_the_chart(&pool, ["owner", "service"]).await;
    let owners: Vec<String> = sqlx::query_scalar(
        "select distinct relowner::regrole::text from pg_class where relnamespace = 'public'::regnamespace
         union select proowner::regrole::text from pg_proc where pronamespace = 'public'::regnamespace",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(owners, [roles.owner()]);
    expect_least_rights(&pool, &roles, ["owner", "service"]).await;

    // An instance of the earlier release still connects as superuser.
    assert_eq!(running.get("/films/1/").await.status, 200);
    assert_eq!(running.post("/reviews/", REVIEW).await.status, 200);
    let migrated = run(&variables(&pool), &["migrate"]).await;
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    roles.drop(&pool).await;
}

#[test]
fn the_chart_grants_what_is_documented() {
    assert_eq!(CHART_GRANTS, documented()[1]);
}
