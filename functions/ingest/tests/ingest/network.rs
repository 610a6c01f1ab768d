use store::testing::Database;
use store::{Store, StoreConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum State {
    Well,
    /// Connections are cut, and new ones are closed at once.
    Away,
    /// No data pass, and neither side gets an error.
    Silent,
}

/// A proxy in front of a database.
pub(crate) struct Network {
    url: String,
    state: watch::Sender<State>,
}

impl Network {
    pub(crate) async fn to(database: &Database) -> Self {
        let (before, rest) = database.url.split_once('@').unwrap();
        let (address, name) = rest.split_once('/').unwrap();
        let address = address.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{before}@{}/{name}", listener.local_addr().unwrap());
        let state = watch::Sender::new(State::Well);
        let told = state.clone();
        tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                tokio::spawn(forward(client, address.clone(), told.subscribe()));
            }
        });
        Self { url, state }
    }

    pub(crate) fn is(&self, state: State) {
        self.state.send_replace(state);
    }

    /// A store that connects through this network.
    pub(crate) fn store(&self, config: &StoreConfig) -> Store {
        Store::new(&StoreConfig { url: self.url.clone(), ..config.clone() }).unwrap()
    }
}

async fn forward(mut client: TcpStream, address: String, mut state: watch::Receiver<State>) {
    if *state.borrow() == State::Well {
        let mut server = TcpStream::connect(address).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => return,
            _ = state.wait_for(|state| *state != State::Well) => {}
        }
        if *state.borrow() == State::Silent {
            // A connection that was silent once stays silent.
            std::future::pending::<()>().await;
        }
    } else if *state.borrow() == State::Silent {
        std::future::pending::<()>().await;
    }
}
