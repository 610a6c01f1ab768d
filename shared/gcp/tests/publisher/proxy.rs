use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A TCP proxy that can stop forwarding on its open connections without closing them.
pub(crate) struct Proxy {
    host: String,
    silence: watch::Sender<()>,
}

impl Proxy {
    pub(crate) async fn start(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy =
            Self { host: listener.local_addr().unwrap().to_string(), silence: watch::Sender::new(()) };
        let silence = proxy.silence.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(forward(client, server, silence.subscribe()));
            }
        });
        proxy
    }

    pub(crate) fn host(&self) -> String {
        self.host.clone()
    }

    pub(crate) fn swallow_what_is_open(&self) {
        self.silence.send_replace(());
    }
}

async fn forward(mut client: TcpStream, mut server: TcpStream, mut silence: watch::Receiver<()>) {
    let silent = tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => false,
        changed = silence.changed() => changed.is_ok(),
    };
    if silent {
        std::future::pending::<()>().await;
    }
}
