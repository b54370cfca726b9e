//! A proxy between an instance and Postgres, which can fail like a network.

use std::net::SocketAddr;

use sqlx::{ConnectOptions as _, PgPool};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::command::{Variables, variables};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    /// Bytes pass.
    Open,
    /// All connections are closed, new ones at once, as if Postgres had been killed.
    Cut,
    /// Connections stay open and no bytes pass, as if a cable had been pulled.
    Silent,
}

/// A proxy to the Postgres of a test.
pub(crate) struct Proxy {
    address: SocketAddr,
    mode: watch::Sender<Mode>,
}

impl Proxy {
    pub(crate) async fn start(pool: &PgPool) -> Self {
        let options = pool.connect_options();
        let server = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, modes) = watch::channel(Mode::Open);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, server.clone(), modes.clone()));
            }
        });
        Self { address, mode }
    }

    /// Returns [`variables`] with the proxy in place of the server.
    pub(crate) fn variables(&self, pool: &PgPool) -> Variables {
        let mut url = pool.connect_options().to_url_lossy();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(self.address.port())).unwrap();
        let mut variables = variables(pool);
        variables.insert("DATABASE_URL".into(), url.into());
        variables
    }

    pub(crate) fn open(&self) {
        self.mode.send_replace(Mode::Open);
    }

    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    pub(crate) fn silence(&self) {
        self.mode.send_replace(Mode::Silent);
    }
}

async fn connection(mut client: TcpStream, server: String, mut modes: watch::Receiver<Mode>) {
    let server = TcpStream::connect(server).await;
    let Ok(mut server) = server else { return };
    loop {
        let mode = *modes.borrow_and_update();
        match mode {
            Mode::Cut => return,
            Mode::Open => tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => return,
                _ = modes.changed() => {}
            },
            // A connection that was silent once has lost bytes, so it stays silent until it is cut.
            Mode::Silent => {
                let _ = modes.wait_for(|mode| *mode == Mode::Cut).await;
                return;
            }
        }
    }
}
