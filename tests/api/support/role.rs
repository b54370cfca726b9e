//! A role of Postgres, which has only the rights that a test grants.

use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgPool};

use super::command::{Variables, variables};

/// The rights of the service.
const GRANTS: &str = include_str!("../../../helm/films/files/grants.sql");

/// A role that a test created. Roles belong to the whole server, so the test also drops it.
pub(crate) struct Role {
    pool: PgPool,
    name: String,
}

impl Role {
    /// Creates a role with these options. The name of the test's database makes its name unique.
    pub(crate) async fn create(pool: &PgPool, name: &str, options: &str) -> Self {
        let database = pool.connect_options().get_database().unwrap().to_owned();
        let role = Self { pool: pool.clone(), name: format!("{name}{database}") };
        role.run(&format!("create role {{role}} login password 'secret' {options}")).await;
        role
    }

    /// Gives the role the rights of the service.
    pub(crate) async fn grant(&self) {
        self.run(&GRANTS.replace("\"films_service\"", "{role}")).await;
    }

    /// Runs statements, in which `{role}` is the role, as the owner of the database.
    pub(crate) async fn run(&self, statements: &str) {
        let statements = statements.replace("{role}", &format!("\"{}\"", self.name));
        self.pool.execute(AssertSqlSafe(statements)).await.unwrap();
    }

    /// Returns the variables of an instance that connects as this role.
    pub(crate) fn variables(&self) -> Variables {
        let mut variables = variables(&self.pool);
        let options = (*self.pool.connect_options()).clone().username(&self.name).password("secret");
        variables.insert("DATABASE_URL".to_owned(), options.to_url_lossy().to_string());
        variables
    }

    /// Drops the role. Its instances must have ended.
    pub(crate) async fn drop(self) {
        self.run("drop owned by {role}").await;
        self.run("drop role {role}").await;
    }
}
