//! Tests of the connection options: URL, libpq's variables, password file, defaults.

use super::*;

#[sqlx::test(migrator = "films::db::MIGRATOR")]
async fn libpq_variables_select_the_database(pool: PgPool) {
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

/// Starts the service with a fake Postgres that requests a password. Returns the parameters that the service
/// sends at startup, and the password. `{address}` and `{port}` in a variable are those of the fake.
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
    let received = async {
        let (stream, _) = listener.accept().await.unwrap();
        receive_password(stream).await.unwrap()
    };
    timeout(TIMEOUT, received).await.expect("the service connects")
}

/// Plays the server's part up to the password: <https://www.postgresql.org/docs/current/protocol-flow.html>.
async fn receive_password(mut stream: TcpStream) -> std::io::Result<BTreeMap<String, String>> {
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
async fn a_url_sets_user_password_and_database() {
    let sent = sent_to_postgres(&[("DATABASE_URL", "postgres://me:p%40ss@{address}/mine")]).await;
    assert_eq!((sent["user"].as_str(), sent["database"].as_str()), ("me", "mine"));
    assert_eq!((sent["password"].as_str(), sent["application_name"].as_str()), ("p@ss", "films"));
}

#[tokio::test]
async fn user_password_and_database_default_to_dvdrental() {
    let sent = sent_to_postgres(&[("PGPORT", "{port}"), ("PGHOST", "127.0.0.1")]).await;
    for key in ["user", "database", "password"] {
        assert_eq!(sent[key], "dvdrental", "{key}");
    }
}

#[tokio::test]
async fn missing_parts_of_the_url_come_from_libpq_variables() {
    let more = [("DATABASE_URL", "postgres://{address}"), ("PGUSER", "me"), ("PGDATABASE", "mine")];
    let sent = sent_to_postgres(&[more.as_slice(), &[("PGPASSWORD", "mine too")]].concat()).await;
    assert_eq!(sent["user"], "me");
    assert_eq!(sent["database"], "mine");
    assert_eq!(sent["password"], "mine too");
}

#[tokio::test]
async fn missing_parts_of_the_url_default_to_dvdrental() {
    let sent = sent_to_postgres(&[("DATABASE_URL", "postgres://{address}")]).await;
    for key in ["user", "database", "password"] {
        assert_eq!(sent.get(key).map(String::as_str), Some("dvdrental"), "{key}");
    }
}

#[tokio::test]
async fn the_password_file_overrides_every_other_password() {
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
async fn one_line_break_at_the_end_of_a_password_file_is_removed() {
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

#[tokio::test]
async fn the_password_file_is_read_again_for_every_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let path = file("password-rotated", "old");
    let url = format!("postgres://me@{}/mine", listener.local_addr().unwrap());
    let variables = set(&[
        ("FILMS__HTTP__LISTEN", "127.0.0.1:0"),
        ("FILMS__ADMIN__LISTEN", "127.0.0.1:0"),
        ("FILMS__READINESS__INTERVAL", "10ms"),
        ("DATABASE_URL", &url),
        ("DATABASE_PASSWORD_FILE", text(&path)),
    ]);
    let _films = command(&variables, &["serve"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    for password in ["old", "new"] {
        std::fs::write(&path, password).unwrap();
        let received = async {
            // An attempt that began before the change still sends the old password.
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if receive_password(stream).await.unwrap()["password"] == password {
                    return;
                }
            }
        };
        timeout(TIMEOUT, received).await.expect("the service sends the password of the file");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_is_named_at_the_start() {
    for (name, value, named) in [
        (
            "DATABASE_URL",
            "postgres://me@localhost/mine?sslrootcert=/missing/ca.pem",
            "sslrootcert = /missing/ca.pem",
        ),
        ("PGSSLCERT", "/missing/client.pem", "PGSSLCERT = /missing/client.pem"),
    ] {
        let refused = run(&set(&[(name, value)]), &["serve"]).await;
        assert_eq!(refused.code, Some(64), "{refused:?}");
        assert!(refused.stderr.contains(named) && refused.stderr.contains("cannot be read"), "{refused:?}");
    }
}
