use local::stack::{Options, Part, Stack};
use serde_json::{Value, json};

const OWNER: &str = "owner@eventflow-local.iam.gserviceaccount.com";

/// The whole stack with authentication, and the credentials for it.
pub(crate) struct System {
    pub(crate) stack: Stack,
    /// The token for admin.
    pub(crate) token: String,
    /// The API key for ingest.
    pub(crate) key: String,
}

impl System {
    pub(crate) async fn start() -> Self {
        let doors = [
            ("INGEST_AUTH", "keys"),
            ("ADMIN_AUTH", "google"),
            ("ADMIN_OWNERS", OWNER),
            ("ADDRESS_RATE_LIMIT", "0"),
        ];
        let stack = Stack::start(Options::for_test(&doors).unwrap()).await.unwrap();
        let wish = json!({"email": OWNER, "audience": stack.url(Part::Admin)});
        let token = post(format!("{}/token", stack.url(Part::Oidc)), "", &wish).await;
        let token = token["token"].as_str().unwrap().to_owned();
        let key =
            post(format!("{}/admin/keys", stack.url(Part::Admin)), &token, &json!({"name": "contract"}))
                .await;
        let key = key["key"].as_str().unwrap().to_owned();
        Self { stack, token, key }
    }

    pub(crate) async fn document(&self, part: Part) -> String {
        let url = format!("{}/openapi.json", self.stack.url(part));
        reqwest::get(url).await.unwrap().text().await.unwrap()
    }
}

async fn post(url: String, token: &str, body: &Value) -> Value {
    let request = reqwest::Client::new().post(url).bearer_auth(token).json(body);
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}
