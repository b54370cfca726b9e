//! The command line and the configuration: what is refused and how, what wins over what, and what
//! is shown of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sqlx::{ConnectOptions as _, PgPool};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use toml::{Table, Value};

use crate::support::{Ended, Films, PATIENCE, command, run, set, variables};

const SECRET: &str = "s3cret";

/// A file of this name with this text.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    run(&set(variables), arguments).await
}

/// Checks that the configuration is refused with exit code 64 and one line, and returns what the
/// line says.
#[track_caller]
fn refusal(ended: &Ended) -> &str {
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""), "{ended:?}");
    let line = ended.stderr.strip_suffix('\n').expect("a line");
    assert!(!line.contains('\n'), "more than one line: {line}");
    assert!(!line.contains(SECRET), "a password is shown: {line}");
    line.strip_prefix("films: invalid configuration: ").unwrap_or_else(|| panic!("{line}"))
}

/// Checks that these variables are refused with words that name all of this.
async fn assert_refused(variables: &[(&str, &str)], named: &[&str]) {
    let ended = run_with(variables, &["config"]).await;
    for name in named {
        assert!(refusal(&ended).contains(name), "no {name:?} in: {}", refusal(&ended));
    }
}

/// [`assert_refused`], of a file.
async fn assert_file_refused(name: &str, content: &str, named: &[&str]) {
    let path = file(name, content);
    let ended = run_with(&[], &["--config", text(&path), "config"]).await;
    for name in named.iter().chain([&name]) {
        assert!(refusal(&ended).contains(name), "no {name:?} in: {}", refusal(&ended));
    }
}

/// What `films config` prints.
async fn effective(variables: &[(&str, &str)], arguments: &[&str]) -> Table {
    let ended = run_with(variables, &[arguments, &["config"]].concat()).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    ended.stdout.parse().unwrap()
}

// What is refused

#[tokio::test]
async fn an_unknown_variable_is_refused() {
    let expected = "unknown key, expected one of url, password_file, pool_size";
    let named = ["database.poolsize", "FILMS__DATABASE__POOLSIZE", expected];
    assert_refused(&[("FILMS__DATABASE__POOLSIZE", "3")], &named).await;
}

#[tokio::test]
async fn a_variable_of_an_unknown_table_is_refused_by_its_name() {
    let named = ["databse", "FILMS__DATABSE__URL", "expected one of http, admin, database"];
    assert_refused(&[("FILMS__DATABSE__URL", "postgres://h/d")], &named).await;
}

#[tokio::test]
async fn an_unknown_key_of_a_toml_file_is_refused() {
    let named = ["shutdown.grace_period", "unknown key", "lame_duck", "grace"];
    assert_file_refused("unknown.toml", "[shutdown]\ngrace_period = \"1s\"\n", &named).await;
}

#[tokio::test]
async fn an_unknown_key_of_a_yaml_file_is_refused() {
    let named = ["shutdown.grace_period", "unknown key", "lame_duck", "grace"];
    assert_file_refused("unknown.yaml", "shutdown:\n  grace_period: 1s\n", &named).await;
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_refused() {
    let variable = "FILMS__DATABASE__POOL_SIZE";
    for value in ["many", "-1", "1.5", ""] {
        let named = ["database.pool_size", value, variable, "expected an integer"];
        assert_refused(&[(variable, value)], &named).await;
    }
    let named = ["readiness.database", "maybe", "FILMS__READINESS__DATABASE", "expected a boolean"];
    assert_refused(&[("FILMS__READINESS__DATABASE", "maybe")], &named).await;
    let named = ["database.pool_size", "many", "expected an integer"];
    assert_file_refused("type.toml", "[database]\npool_size = \"many\"\n", &named).await;
}

#[tokio::test]
async fn a_duration_without_its_unit_is_refused() {
    let named = ["shutdown.grace", "20", "expected a duration with its unit, such as 500ms or 5s"];
    assert_refused(&[("FILMS__SHUTDOWN__GRACE", "20")], &named).await;
    assert_file_refused("duration.toml", "[shutdown]\ngrace = 20\n", &named).await;
}

#[tokio::test]
async fn an_address_without_its_port_is_refused() {
    for value in ["5000", "127.0.0.1", "localhost:5000"] {
        let named = ["http.listen", value, "FILMS__HTTP__LISTEN", "expected an address with a port"];
        assert_refused(&[("FILMS__HTTP__LISTEN", value)], &named).await;
    }
}

#[tokio::test]
async fn an_unknown_log_format_is_refused_with_the_known_ones() {
    let named = ["log.format", "xml", "FILMS__LOG__FORMAT", "expected", "auto", "json", "text"];
    assert_refused(&[("FILMS__LOG__FORMAT", "xml")], &named).await;
}

#[tokio::test]
async fn a_log_filter_that_does_not_parse_is_refused() {
    for variable in ["FILMS__LOG__FILTER", "RUST_LOG"] {
        let named = ["log.filter", "films=loud", variable, "expected a level"];
        assert_refused(&[(variable, "films=loud")], &named).await;
    }
}

#[tokio::test]
async fn an_empty_pool_is_refused() {
    let named = ["database.pool_size", "0", "FILMS__DATABASE__POOL_SIZE", "expected 1 to 10000"];
    assert_refused(&[("FILMS__DATABASE__POOL_SIZE", "0")], &named).await;
}

#[tokio::test]
async fn a_batch_that_its_queue_cannot_hold_is_refused() {
    let variables = [("FILMS__DATABASE__MAX_BATCH_SIZE", "101"), ("FILMS__DATABASE__QUEUE_SIZE", "100")];
    let named = ["database.max_batch_size", "101", "expected at most database.queue_size", "100"];
    assert_refused(&variables, &named).await;
}

#[tokio::test]
async fn a_queue_too_small_for_the_default_batch_is_refused_with_both_numbers() {
    let named = ["database.max_batch_size", "256", "database.queue_size", "50"];
    assert_refused(&[("FILMS__DATABASE__QUEUE_SIZE", "50")], &named).await;
}

#[tokio::test]
async fn a_body_that_may_take_longer_than_its_request_is_refused() {
    for (body, request) in [("5s", "5s"), ("6s", "5s")] {
        let variables = [("FILMS__HTTP__BODY_TIMEOUT", body), ("FILMS__HTTP__REQUEST_TIMEOUT", request)];
        let named = ["http.body_timeout", body, "expected less than http.request_timeout", request];
        assert_refused(&variables, &named).await;
    }
}

#[tokio::test]
async fn a_scalar_in_place_of_a_table_is_refused() {
    let named = ["database = 3", "FILMS__DATABASE", "expected a table"];
    assert_refused(&[("FILMS__DATABASE", "3")], &named).await;
    assert_file_refused("scalar.toml", "database = 3\n", &["database = 3", "expected a table"]).await;
}

/// Chance must not decide which of the two is seen.
#[tokio::test]
async fn a_scalar_in_place_of_a_table_is_refused_beside_keys_of_that_table_too() {
    for _ in 0..20 {
        let variables = [("FILMS__DATABASE", "3"), ("FILMS__DATABASE__POOL_SIZE", "3")];
        assert_refused(&variables, &["FILMS__DATABASE", "expected a table"]).await;
    }
}

#[tokio::test]
async fn a_url_in_place_of_the_database_table_is_refused_without_its_password() {
    assert_refused(&[("FILMS__DATABASE", "postgres://u:s3cret@h/d")], &["database", "expected a table"])
        .await;
}

#[tokio::test]
async fn a_broken_file_is_refused() {
    assert_file_refused("broken.toml", "[database\n", &["line 1"]).await;
    assert_file_refused("broken.yaml", "database: [\n", &["line 2"]).await;
}

#[tokio::test]
async fn a_broken_file_is_refused_without_its_password() {
    let url = "postgres://u:s3cret@h/d";
    assert_file_refused("secret.toml", &format!("[database]\nurl = \"{url}\n"), &["line 2"]).await;
    assert_file_refused("secret.yaml", &format!("database:\n  url: \"{url}\n"), &["line 2"]).await;
}

#[tokio::test]
async fn a_file_that_is_not_there_is_refused() {
    let ended = run_with(&[], &["config", "--config", "/nowhere/films.toml"]).await;
    assert!(refusal(&ended).contains("/nowhere/films.toml\" not found"), "{ended:?}");
}

#[tokio::test]
async fn a_file_of_an_unknown_format_is_refused() {
    let path = file("films.ini", "[database]\n");
    let ended = run_with(&[], &["config", "--config", text(&path)]).await;
    assert!(refusal(&ended).contains("films.ini\" is not of a supported file format"), "{ended:?}");
}

#[tokio::test]
async fn the_url_of_another_database_is_refused() {
    let named = ["database.url", "DATABASE_URL", "mysql", "expected postgres://"];
    assert_refused(&[("DATABASE_URL", "mysql://u:s3cret@h/d")], &named).await;
}

#[tokio::test]
async fn a_malformed_url_is_refused_without_its_password() {
    for url in
        ["postgres://u:s3cret@h:99999/d", "postgres//u:s3cret@h/d", "postgres://u:s3cret@[h/d", "s3cret", ""]
    {
        for variable in ["DATABASE_URL", "FILMS__DATABASE__URL"] {
            assert_refused(&[(variable, url)], &["database.url", variable, "expected postgres://"]).await;
        }
    }
    let content = "[database]\nurl = \"postgres://u:s3cret@h:99999/d\"\n";
    assert_file_refused("url.toml", content, &["database.url", "expected postgres://"]).await;
    let content = "[database.url]\npassword = \"s3cret\"\n";
    assert_file_refused("url-table.toml", content, &["database.url", "expected a string"]).await;
}

#[tokio::test]
async fn a_url_with_a_parameter_that_makes_no_sense_is_refused() {
    let named = ["database.url", "DATABASE_URL", "sometimes"];
    assert_refused(&[("DATABASE_URL", "postgres://u:s3cret@h/d?sslmode=sometimes")], &named).await;
}

#[tokio::test]
async fn libpq_variables_that_make_no_sense_are_refused() {
    assert_refused(&[("PGPORT", "five")], &["PGPORT", "five", "environment", "expected a port"]).await;
    assert_refused(&[("PGSSLMODE", "on")], &["PGSSLMODE", "on", "environment", "verify-full"]).await;
}

#[tokio::test]
async fn opentelemetry_variables_that_make_no_sense_are_refused() {
    for (variable, value, expected) in [
        ("OTEL_TRACES_EXPORTER", "console", "expected one of otlp, none"),
        ("OTEL_METRICS_EXPORTER", "console", "expected one of otlp, prometheus, none"),
        ("OTEL_LOGS_EXPORTER", "console", "expected one of otlp, none"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "expected one of grpc, http/protobuf"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "udp", "expected one of grpc, http/protobuf"),
        ("OTEL_PROPAGATORS", "b3", "expected one of tracecontext, baggage, none"),
    ] {
        assert_refused(&[(variable, value)], &[variable, value, "environment", expected]).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_is_refused() {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
    ];
    let ended = run_with(&variables, &["serve"]).await;
    assert!(refusal(&ended).contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{ended:?}");
    assert!(refusal(&ended).contains("'nonsense'"), "{ended:?}");
}

#[tokio::test]
async fn a_password_file_that_cannot_be_read_is_refused() {
    for (variable, path, reason) in [
        ("DATABASE_PASSWORD_FILE", "/nowhere/password", "No such file"),
        ("FILMS__DATABASE__PASSWORD_FILE", env!("CARGO_TARGET_TMPDIR"), "Is a directory"),
    ] {
        assert_refused(&[(variable, path)], &["database.password_file", path, "cannot be read", reason])
            .await;
    }
}

#[tokio::test]
async fn a_value_of_several_lines_is_refused_on_one() {
    assert_refused(&[("FILMS__LOG__FILTER", "info,\nfilms=loud")], &["log.filter", "films=loud"]).await;
    assert_refused(&[("OTEL_TRACES_EXPORTER", "otlp\nnone")], &["OTEL_TRACES_EXPORTER"]).await;
}

#[tokio::test]
async fn every_command_refuses_a_bad_configuration() {
    for arguments in [[].as_slice(), &["serve"], &["migrate"], &["seed"], &["check"], &["config"]] {
        let ended = run_with(&[("FILMS__DATABASE__POOL_SIZE", "0")], arguments).await;
        assert!(refusal(&ended).starts_with("database.pool_size = 0 "), "{arguments:?}: {ended:?}");
    }
}

// What wins

#[tokio::test]
async fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let path = file("precedence.toml", "[database]\npool_size = 3\nqueue_size = 300\n");
    let arguments = ["--config", text(&path)];
    let config = effective(&[("FILMS__DATABASE__POOL_SIZE", "4")], &arguments).await;
    let database = &config["database"];
    assert_eq!(database["pool_size"].as_integer(), Some(4));
    assert_eq!(database["queue_size"].as_integer(), Some(300));
    assert_eq!(database["max_batch_size"].as_integer(), Some(256));
}

#[tokio::test]
async fn a_key_wins_over_its_alias_and_the_alias_over_the_file() {
    let path = file("alias.toml", "[database]\nurl = \"postgres://file/d\"\n[log]\nfilter = \"error\"\n");
    let arguments = ["--config", text(&path)];
    let host = async |variables: &[(&str, &str)]| {
        effective(variables, &arguments).await["database"]["url"].as_str().unwrap().to_owned()
    };
    let alias = ("DATABASE_URL", "postgres://alias/d");
    let key = ("FILMS__DATABASE__URL", "postgres://key/d");
    assert_eq!(host(&[]).await, "postgres://file/d");
    assert_eq!(host(&[alias]).await, "postgres://alias/d");
    assert_eq!(host(&[alias, key]).await, "postgres://key/d");

    let filter = async |variables: &[(&str, &str)]| {
        effective(variables, &arguments).await["log"]["filter"].as_str().unwrap().to_owned()
    };
    assert_eq!(filter(&[("RUST_LOG", "warn")]).await, "warn");
    assert_eq!(filter(&[("RUST_LOG", "warn"), ("FILMS__LOG__FILTER", "debug")]).await, "debug");
}

#[tokio::test]
async fn a_file_is_yaml_by_its_ending() {
    let path = file("films.yaml", "database:\n  pool_size: 3\nhttp:\n  listen: 127.0.0.1:1\n");
    let config = effective(&[], &["--config", text(&path)]).await;
    assert_eq!(config["database"]["pool_size"].as_integer(), Some(3));
    assert_eq!(config["http"]["listen"].as_str(), Some("127.0.0.1:1"));
}

/// Kubernetes sets them in every pod beside a Service of the name `films`.
#[tokio::test]
async fn variables_of_a_service_are_no_keys() {
    let injected = [
        ("FILMS_PORT", "tcp://10.0.0.1:5000"),
        ("FILMS_SERVICE_HOST", "10.0.0.1"),
        ("FILMS_PORT_5000_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(effective(&injected, &[]).await, effective(&[], &[]).await);
}

#[tokio::test]
async fn the_defaults_are_those_that_the_chart_relies_on() {
    let config = effective(&[], &[]).await;
    for (table, key, expected) in [
        ("http", "listen", Value::from("0.0.0.0:5000")),
        ("admin", "listen", Value::from("0.0.0.0:9090")),
        ("database", "pool_size", Value::from(20)),
        ("readiness", "database", Value::from(true)),
    ] {
        assert_eq!(config[table][key], expected, "{table}.{key}");
    }
    for (table, key) in [
        ("database", "max_batch_size"),
        ("database", "queue_size"),
        ("shutdown", "lame_duck"),
        ("shutdown", "grace"),
    ] {
        assert!(config[table].get(key).is_some(), "{table}.{key}");
    }
}

// What is shown

#[tokio::test]
async fn what_is_printed_loads_again_as_the_same() {
    let password = file("round-trip-password", "x");
    let variables = [
        ("FILMS__HTTP__LISTEN", "[::1]:5001"),
        ("FILMS__HTTP__REQUEST_TIMEOUT", "1m 1500ms"),
        ("FILMS__HTTP__MAX_BODY_SIZE", "1"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        (
            "FILMS__DATABASE__URL",
            "postgres://u:p%40ss@h:5433/d?sslmode=require&password=x&application_name=a%20b",
        ),
        ("FILMS__DATABASE__PASSWORD_FILE", text(&password)),
        ("FILMS__DATABASE__POOL_SIZE", "3"),
        ("FILMS__DATABASE__QUERY_TIMEOUT", "250us"),
        ("FILMS__READINESS__DATABASE", "false"),
        ("FILMS__SHUTDOWN__LAME_DUCK", "0s"),
        ("FILMS__LOG__FILTER", "info,films[{a=\"b\"}]=debug"),
        ("FILMS__LOG__FORMAT", "text"),
    ];
    let printed = run_with(&variables, &["config"]).await;
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let path = file("round-trip.toml", &printed.stdout);
    let again = run_with(&[], &["--config", text(&path), "config"]).await;
    assert_eq!((again.code, again.stdout), (Some(0), printed.stdout));
}

#[tokio::test]
async fn passwords_are_not_shown() {
    for url in [
        "postgres://u:s3cret@h:5433/d",
        "postgres://:s3cret@h/d",
        "postgres://u@h/d?password=s3cret",
        "postgres://u:s3cret@h/d?sslmode=require&password=s3cret",
        "postgres://h/d?sslpassword=s3cret",
    ] {
        let ended = run_with(&[("DATABASE_URL", url)], &["config"]).await;
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stdout.contains(SECRET), "{url}: {}", ended.stdout);
        assert!(ended.stdout.contains("redacted"), "{url}: {}", ended.stdout);
    }
}

#[tokio::test]
async fn the_rest_of_a_url_is_shown() {
    let url = "postgres://u:s3cret@h:5433/d?sslmode=require";
    let config = effective(&[("DATABASE_URL", url)], &[]).await;
    assert_eq!(config["database"]["url"].as_str(), Some("postgres://u:redacted@h:5433/d?sslmode=require"));
}

#[tokio::test]
async fn the_schema_knows_every_key_that_is_printed() {
    let ended = run_with(&[], &["config", "--schema"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let schema: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for (table, keys) in effective(&[], &[]).await {
        let reference = schema["properties"][&table]["$ref"].as_str().unwrap();
        let definition = schema.pointer(reference.strip_prefix('#').unwrap()).unwrap();
        for key in keys.as_table().unwrap().keys() {
            assert!(definition["properties"][key]["description"].is_string(), "{table}.{key}");
        }
    }
}

// How Postgres is found

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn libpq_variables_lead_to_the_database(pool: PgPool) {
    let options = pool.connect_options();
    let port = options.get_port().to_string();
    let mut variables = variables(&pool);
    variables.remove("DATABASE_URL");
    variables.extend(set(&[
        ("PGHOST", options.get_host()),
        ("PGPORT", &port),
        ("PGUSER", options.get_username()),
        ("PGDATABASE", options.get_database().unwrap()),
    ]));
    if let Some(password) = options.to_url_lossy().password() {
        variables.extend(set(&[("PGPASSWORD", password)]));
    }
    let films = Films::spawn(&variables).await;
    films.until_ready().await;
    assert_eq!(films.get("/films/").await.body, "{}");
}

/// Starts the service on a Postgres that asks for the password, and returns what it is sent: what
/// the client says of itself, and the password. `{address}` in a variable is that Postgres.
async fn sent_to_postgres(more: &[(&str, &str)]) -> BTreeMap<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut variables =
        set(&[("FILMS__HTTP__LISTEN", "127.0.0.1:0"), ("FILMS__ADMIN__LISTEN", "127.0.0.1:0")]);
    let port = address.port().to_string();
    variables.extend(more.iter().map(|(name, value)| {
        ((*name).to_owned(), value.replace("{address}", &address.to_string()).replace("{port}", &port))
    }));
    let _films = command(&variables, &["serve"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let asked = async {
        let (stream, _) = listener.accept().await.unwrap();
        ask_for_password(stream).await.unwrap()
    };
    timeout(PATIENCE, asked).await.expect("it connects")
}

/// The beginning of <https://www.postgresql.org/docs/current/protocol-flow.html>.
async fn ask_for_password(mut stream: TcpStream) -> std::io::Result<BTreeMap<String, String>> {
    const SSL_REQUEST: i32 = 80_877_103;
    const CLEARTEXT_PASSWORD: [u8; 9] = [b'R', 0, 0, 0, 8, 0, 0, 0, 3];
    let mut startup = message(&mut stream).await?;
    if startup.starts_with(&SSL_REQUEST.to_be_bytes()) {
        stream.write_all(b"N").await?;
        startup = message(&mut stream).await?;
    }
    let texts: Vec<String> = startup[4..]
        .split(|byte| *byte == 0)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .collect();
    let mut sent: BTreeMap<String, String> =
        texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();

    stream.write_all(&CLEARTEXT_PASSWORD).await?;
    assert_eq!(stream.read_u8().await?, b'p');
    let password = message(&mut stream).await?;
    sent.insert("password".to_owned(), String::from_utf8_lossy(password.strip_suffix(b"\0").unwrap()).into());
    Ok(sent)
}

async fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut message = vec![0; length as usize - 4];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

#[tokio::test]
async fn a_url_says_who_connects_to_what() {
    let sent = sent_to_postgres(&[("DATABASE_URL", "postgres://me:p%40ss@{address}/mine")]).await;
    assert_eq!((sent["user"].as_str(), sent["database"].as_str()), ("me", "mine"));
    assert_eq!((sent["password"].as_str(), sent["application_name"].as_str()), ("p@ss", "films"));
}

#[tokio::test]
async fn what_nothing_names_is_dvdrental() {
    let sent = sent_to_postgres(&[("PGPORT", "{port}"), ("PGHOST", "127.0.0.1")]).await;
    for key in ["user", "database", "password"] {
        assert_eq!(sent[key], "dvdrental", "{key}");
    }
}

#[tokio::test]
async fn what_the_url_leaves_out_comes_from_libpq_variables() {
    let more = [("DATABASE_URL", "postgres://{address}"), ("PGUSER", "me"), ("PGDATABASE", "mine")];
    let sent = sent_to_postgres(&[more.as_slice(), &[("PGPASSWORD", "mine too")]].concat()).await;
    assert_eq!(sent["user"], "me");
    assert_eq!(sent["database"], "mine");
    assert_eq!(sent["password"], "mine too");
}

#[tokio::test]
async fn what_neither_the_url_nor_libpq_variables_name_is_dvdrental() {
    let sent = sent_to_postgres(&[("DATABASE_URL", "postgres://{address}")]).await;
    for key in ["user", "database", "password"] {
        assert_eq!(sent.get(key).map(String::as_str), Some("dvdrental"), "{key}");
    }
}

#[tokio::test]
async fn the_password_file_wins_over_every_other_password() {
    let path = file("password", "from the file");
    let sent = sent_to_postgres(&[
        ("DATABASE_URL", "postgres://me:url@{address}/mine?password=parameter"),
        ("PGPASSWORD", "variable"),
        ("DATABASE_PASSWORD_FILE", text(&path)),
    ])
    .await;
    assert_eq!(sent["password"], "from the file");
}

#[tokio::test]
async fn one_line_break_at_the_end_of_a_password_file_is_dropped() {
    for (number, (content, password)) in
        [("p w\n", "p w"), ("p w\r\n", "p w"), (" pw \n\n", " pw \n"), ("pw", "pw")].into_iter().enumerate()
    {
        let path = file(&format!("password-{number}"), content);
        let sent = sent_to_postgres(&[
            ("DATABASE_URL", "postgres://me@{address}/mine"),
            ("FILMS__DATABASE__PASSWORD_FILE", text(&path)),
        ])
        .await;
        assert_eq!(sent["password"], password);
    }
}

// The command line

#[tokio::test]
async fn the_version_names_the_commit() {
    let ended = run_with(&[], &["--version"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let prefix = format!("films {} (", env!("CARGO_PKG_VERSION"));
    let commit = ended.stdout.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(")\n"));
    let commit = commit.unwrap_or_else(|| panic!("{ended:?}"));
    let is_commit = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(is_commit || commit == "unknown", "{commit}");
}

#[tokio::test]
async fn help_names_the_commands() {
    let ended = run_with(&[], &["--help"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    for command in ["serve", "migrate", "seed", "check", "config"] {
        assert!(ended.stdout.contains(&format!("\n  {command} ")), "{}", ended.stdout);
    }
}

#[tokio::test]
async fn an_unknown_argument_is_a_mistake_of_usage() {
    for argument in ["--nope", "nope"] {
        let ended = run_with(&[], &[argument]).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(&format!("'{argument}'")), "{ended:?}");
    }
}

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn check_agrees_with_an_instance_that_is_ready(pool: PgPool) {
    let films = Films::start(&pool).await;
    let everywhere = format!("0.0.0.0:{}", films.admin.port());
    for listen in [films.admin.to_string(), everywhere] {
        let ended = run_with(&[("FILMS__ADMIN__LISTEN", &listen)], &["check"]).await;
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
        assert!(ended.stdout.contains("ready"), "{ended:?}");
    }
}

#[tokio::test]
async fn check_says_that_nothing_listens() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let ended = run_with(&[("FILMS__ADMIN__LISTEN", &free)], &["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("films: no answer from {free}: ")), "{ended:?}");
    assert!(ended.stderr.contains("refused"), "{ended:?}");
}

#[tokio::test]
async fn check_says_why_an_instance_is_not_ready() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let variables = set(&[
        ("DATABASE_URL", &format!("postgres://{free}/d")),
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
    ]);
    let films = Films::spawn(&variables).await;
    films.until_readiness(|answer| answer.body.contains("away")).await;
    let ended = run_with(&[("FILMS__ADMIN__LISTEN", &films.admin.to_string())], &["check"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains("503") && ended.stderr.contains("the database is away"), "{ended:?}");
}
